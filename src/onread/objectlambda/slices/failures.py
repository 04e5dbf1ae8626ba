"""Results that could not be made a moment ago, so that a list does not run their functions again and again.

A read asks anew: only who asks for many at once is spared what each of them would meet.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

from onread.errors import ServiceError

REMEMBERED_SECONDS = 60.0
MOST_REMEMBERED = 10_000


class RecentFailures:
    """Failures by the name of the result.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, ServiceError]] = OrderedDict()

    def note(self, name: str, failure: ServiceError) -> None:
        """This one could not be made just now."""
        now = self._clock()
        self._known.pop(name, None)
        self._known[name] = (now + REMEMBERED_SECONDS, _again(failure))
        while len(self._known) > MOST_REMEMBERED or next(iter(self._known.values()))[0] <= now:
            self._known.popitem(last=False)

    def raise_known(self, name: str) -> None:
        """Return when nothing is known against it.

        Raises:
            ServiceError: what its last maker met, at most `REMEMBERED_SECONDS` ago.
        """
        until, failure = self._known.get(name, (0.0, None))
        if failure is None:
            return
        if self._clock() >= until:
            del self._known[name]
            return
        raise _again(failure)


def _again(failure: ServiceError) -> ServiceError:
    """The same refusal, without the frames that it has come through and all that they hold."""
    again = type(failure).__new__(type(failure), *failure.args)
    vars(again).update(vars(failure))
    return again
