"""R-071: every raw request of the corpus straight to us, through nginx and through HAProxy (T-040 to T-057).

Nobody may see a request that another did not send: the handler's record is compared with what HTTP's
grammar says (straight) or with what the front says it sent (through one), and each innocent request that
shares a connection with a hostile one gets its own answer or none.
"""

import asyncio
import contextlib
import os
import re
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import uvloop
from tests.compat.fronts import MARK, Front, haproxy, nginx
from tests.compat.smuggling_corpus import FAMILIES, Case, corpus, mutants
from tests.fakes.authority import Authority
from tests.fuzz.strict_http import names_the_same, read_strictly

from onread.errors import IncompleteBody
from onread.server.listener import serve
from onread.server.tls import Certificates
from onread.wire.message import Request, Response

pytestmark = [pytest.mark.compat, pytest.mark.slow]

MUTANTS = int(os.environ.get("ONREAD_SMUGGLING_MUTANTS", "500"))
AT_ONCE = 16
SILENCE_SECONDS = 0.4  # a peer that waits for more of a request says nothing
LONGEST_BODY_BYTES = 1 << 20
STATUSES = {"/status/204": 204, "/status/304": 304}
_ANSWERED = re.compile(rb"x-target: ([^\r]*)\r\n", re.IGNORECASE)


def cases_to_send() -> list[Case]:
    """The corpus, and mutants of it by a fixed seed."""
    cases = corpus()
    assert len(cases) >= 200
    return cases + mutants(MUTANTS, seed=71)


@dataclass
class Record:
    """One request as our handler saw it; ``body`` is None when it did not come whole."""

    number: int
    method: str
    target: str
    mark: str | None
    body: bytes | None = None


@dataclass
class Recorder:
    """A handler that notes every request and says in its answer which one it was."""

    records: list[Record] = field(default_factory=list)

    @asynccontextmanager
    async def __call__(self, request: Request):
        record = Record(len(self.records), request.method, request.target, request.headers.get(MARK))
        self.records.append(record)
        early = request.target == "/early"
        if not early:
            with contextlib.suppress(IncompleteBody):
                record.body = await request.body.read(LONGEST_BODY_BYTES)
            if record.body is None:
                raise IncompleteBody
        yield _answer(record, early=early)


def _answer(record: Record, *, early: bool) -> Response:
    status = 403 if early else STATUSES.get(record.target, 200)
    target = record.target.encode().hex()  # control bytes and all
    headers = [("x-seen", str(record.number)), ("x-target", target)]
    return Response(status=status, headers=headers, body=f"<{target}>".encode())


def innocent(name: str) -> tuple[str, bytes]:
    """A request that nobody could take for another: its target and its bytes."""
    return f"/{name}", f"GET /{name} HTTP/1.1\r\nHost: h\r\n\r\n".encode()


async def converse(port: int, content: bytes, last_target: str) -> tuple[int, bytes]:
    """Send bytes and take what comes until the last answer, the end, or silence; our port and that."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    own_port: int = writer.get_extra_info("sockname")[1]
    writer.write(content)
    received, end = b"", f"<{last_target.encode().hex()}>".encode()
    with contextlib.suppress(ConnectionError, TimeoutError):
        while not received.endswith(end):
            async with asyncio.timeout(SILENCE_SECONDS):
                some = await reader.read(65536)
            if not some:
                break
            received += some
    writer.transport.abort()
    return own_port, received


def answered(received: bytes) -> list[str]:
    """The targets that the answers on a connection belong to, in order."""
    return [bytes.fromhex(target.decode()).decode() for target in _ANSWERED.findall(received)]


async def each(cases: list[Case], attack) -> None:
    """Attack by all cases, some at once."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, case: Case) -> None:
        async with turn:
            await attack(number, case)

    async with asyncio.TaskGroup() as group:
        for number, case in enumerate(cases):
            group.create_task(one(number, case))


# Straight


async def straight(number: int, case: Case, tally: Counter[str]) -> None:
    target, request = innocent(f"innocent-{number}")
    recorder = Recorder()
    async with serve(recorder) as listener:
        _, received = await converse(listener.port, case.raw + request, target)
    strictly = read_strictly(case.raw + request)
    records = recorder.records
    assert len(records) <= len(strictly), (case, records)
    for record, message in zip(records, strictly, strict=False):
        assert record.method.encode() == message.method, case
        assert names_the_same(record.target, message.target.decode("latin-1")), (case, record)
        assert record.body is None or record.body == message.body, (case, record)
    _check_answers(case, answered(received), [record.target for record in records], target)
    assert b"HTTP/1.1 5" not in received, case
    assert b"Traceback" not in received, case
    tally["cases"] += 1
    tally["logged"] += len(records)
    tally["refused at once"] += not records
    tally["innocent answered"] += answered(received)[-1:] == [target]


def _check_answers(case: Case, answers: list[str], asked: list[str], last: str) -> None:
    """The answers are those to the requests, in order, some perhaps not given; the last one comes once."""
    remaining = iter(asked)
    assert all(answer in remaining for answer in answers), (case, answers, asked)
    assert last not in answers[:-1], (case, answers)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_T040_to_T057_R071_straight(run, record_property):
    tally: Counter[str] = Counter()
    run(each(cases_to_send(), lambda number, case: straight(number, case, tally)))
    assert tally["innocent answered"] > 100
    record_property("told", f"smuggling, straight: {_told(tally)}; 0 disagreements")


# Through a front


@dataclass
class Siege:
    """The corpus through one front: who sent what from which port."""

    front: Front
    recorder: Recorder
    attacked: dict[int, Case] = field(default_factory=dict)
    tally: Counter[str] = field(default_factory=Counter)

    async def attack(self, number: int, case: Case) -> None:
        """One case with an innocent request behind it, then an innocent one from somebody else."""
        target, request = innocent(f"innocent-{number}")
        port, received = await converse(self.front.port, case.raw + request, target)
        self.attacked[port] = case
        answers = answered(received)
        assert target not in answers[:-1], (case, answers)
        target_of_victim, request = innocent(f"victim-{number}")
        port, received_by_victim = await converse(self.front.port, request, target_of_victim)
        self.attacked[port] = Case("victim", request)
        assert answered(received_by_victim) in ([target_of_victim], []), (case, received_by_victim)
        self.tally["cases"] += 1
        self.tally["innocent answered"] += answers[-1:] == [target]
        self.tally["victims answered"] += bool(answered(received_by_victim))

    def settle(self) -> None:
        """What the front sent is what we saw, request by request."""
        records = self.recorder.records
        sent = self.front.sent()
        for record in records:
            assert record.mark is not None, f"nobody sent {record}"
            assert int(record.mark) in self.attacked, record
        by_handler = [line for line in sent if line.seen is not None]
        assert len({line.seen for line in by_handler}) == len(by_handler), "one answer for two requests"
        for line in by_handler:
            record = records[line.seen or 0]
            case = self.attacked[line.client_port]
            assert record.mark == str(line.client_port), (case, line, record)
            assert _agrees(line.start, record), (case, line, record)
        attempts: Counter[int] = Counter()
        for line in sent:
            attempts[line.client_port] += line.attempts
        seen = Counter(int(record.mark or 0) for record in records)
        for port, count in seen.items():
            assert count <= attempts[port], (self.attacked[port], count, attempts[port])
        self._count(sent, len(records), len(by_handler))

    def _count(self, sent: list, logged: int, by_handler: int) -> None:
        passed_on = [line for line in sent if line.attempts]
        self.tally["sent on"] += len(passed_on)
        self.tally["logged"] += logged
        self.tally["answered by the handler"] += by_handler
        self.tally["refused by us"] += sum(
            line.seen is None and 400 <= line.status < 499 for line in passed_on
        )
        self.tally["refused by the front"] += len(sent) - len(passed_on)


def _agrees(start: str, record: Record) -> bool:
    """Whether a front's request line and our record name the same (a front may write bytes as escapes)."""
    method, _, target = start.strip().partition(" ")
    target = target.strip().rpartition(" HTTP/")[0].strip() or target.strip()
    plain = re.sub(r"\\x[0-9A-F]{2}|#[0-9A-F]{2}|[^\x21-\x7e]|\\|\"", "", target)
    return method == record.method and names_the_same(re.sub(r"[^\x21-\x7e]|\\|\"", "", record.target), plain)


async def besiege(front_before, cases: list[Case], certificates: Certificates | None = None) -> Siege:
    recorder = Recorder()
    async with serve(recorder, certificates=certificates) as listener:
        with front_before(listener.port) as front:
            siege = Siege(front, recorder)
            await each(cases, siege.attack)
    return siege


FRONTS = {
    "nginx": lambda folder: lambda port: nginx(port, folder, buffering=False),
    "nginx that buffers": lambda folder: lambda port: nginx(port, folder, buffering=True),
    "haproxy": lambda folder: lambda port: haproxy(port, folder),
}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", FRONTS)
def test_T040_to_T057_R071_through_a_front(name, tmp_path, record_property):
    cases = cases_to_send()
    siege = asyncio.run(besiege(FRONTS[name](tmp_path / "front"), cases))
    siege.settle()
    assert siege.tally["victims answered"] > 0.95 * len(cases)
    assert siege.tally["innocent answered"] > 100
    record_property("told", f"smuggling, through {name}: {_told(siege.tally)}; 0 disagreements")


TLS_FRONTS = {
    "nginx with TLS": lambda folder: lambda port: nginx(port, folder, buffering=False, tls=True),
    "haproxy with TLS": lambda folder: lambda port: haproxy(port, folder, tls=True),
}


def cases_under_tls() -> list[Case]:
    """Some of each threat: what reads a message is the same as without TLS. ONREAD_SMUGGLING_TLS=all: all."""
    cases = cases_to_send()
    if os.environ.get("ONREAD_SMUGGLING_TLS") == "all":
        return cases
    by_threat: dict[str, list[Case]] = {}
    for case in cases:
        by_threat.setdefault(case.threat, []).append(case)
    return [case for family in by_threat.values() for case in family[:: max(1, len(family) // 8)]]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", TLS_FRONTS)
def test_T040_to_T057_R071_through_a_front_that_speaks_tls_to_us(name, tmp_path, record_property):
    certificates = Certificates(Authority(tmp_path).sign("server"))
    cases = cases_under_tls()
    assert {case.threat for case in cases} == FAMILIES.keys()
    siege = asyncio.run(besiege(TLS_FRONTS[name](tmp_path / "front"), cases, certificates))
    siege.settle()
    assert siege.tally["victims answered"] > 0.95 * len(cases)
    assert siege.tally["logged"] > len(cases)
    record_property("told", f"smuggling, through {name}: {_told(siege.tally)}; 0 disagreements")


def _told(tally: Counter[str]) -> str:
    return ", ".join(f"{what} {count}" for what, count in tally.items())
