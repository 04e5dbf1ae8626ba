"""Pages of a listing against a listing that looks at every key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread import errors
from onread.stores.local.listing import (
    BEGINNING,
    END,
    Cursor,
    Query,
    after_prefix,
    collect_page,
    common_prefix,
    cursor_after_marker,
    open_token,
    page_limit,
    seal_token,
)

TEXT = st.text(alphabet="ab/é\0", max_size=6)
KEYS = st.sets(TEXT.filter(bool), max_size=40).map(lambda keys: sorted(key.encode() for key in keys))
SECRET = b"s" * 32


class Rows:
    """Sorted keys with their ties, fetched as a database would, each row counted."""

    def __init__(self, places, prefix):
        self.places = [place for place in sorted(places) if place.key.startswith(prefix)]
        self.fetches = self.fetched = 0

    def __call__(self, cursor, limit):
        found = [(place, place) for place in self.places if place >= cursor][:limit]
        self.fetches += 1
        self.fetched += len(found)
        return found


def naive(keys, prefix, delimiter):
    """Keys and common prefixes in order, by looking at every key."""
    entries = []
    for key in keys:
        if key.startswith(prefix):
            entry = common_prefix(key, prefix, delimiter) or key
            if not entries or entries[-1] != entry:
                entries.append(entry)
    return entries


def paged(rows, prefix, delimiter, limit, start=BEGINNING):
    entries = []
    for _ in range(1000):
        page = collect_page(Query(prefix=prefix, delimiter=delimiter, start=start, limit=limit), rows)
        assert page.count <= limit
        entries += sorted([*(place.key for place in page.rows), *page.common_prefixes])
        if page.next is None:
            return entries
        assert page.count == limit
        start = page.next
    raise AssertionError("the listing has no end")


@given(KEYS, TEXT, st.sampled_from(["", "/", "a", "é", "/a"]), st.integers(1, 5))
def test_pages_together_are_the_naive_listing(keys, prefix, delimiter, limit):
    prefix, delimiter = prefix.encode(), delimiter.encode()
    rows = Rows([Cursor(key) for key in keys], prefix)
    assert paged(rows, prefix, delimiter, limit) == naive(keys, prefix, delimiter)


@given(KEYS, TEXT, TEXT)
def test_a_marker_leaves_out_what_is_not_above_it(keys, prefix, marker):
    prefix, marker = prefix.encode(), marker.encode()
    start = cursor_after_marker(marker, prefix, b"")
    entries = paged(Rows([Cursor(key) for key in keys], prefix), prefix, b"", 3, start)
    assert entries == [key for key in keys if key.startswith(prefix) and key > marker]


@given(KEYS, TEXT, st.sampled_from(["/", "a"]), st.integers(1, 4))
def test_the_last_entry_of_a_page_is_a_marker_for_the_next(keys, prefix, delimiter, limit):
    """ListObjects with NextMarker, which may be a common prefix."""
    prefix, delimiter = prefix.encode(), delimiter.encode()
    rows = Rows([Cursor(key) for key in keys], prefix)
    entries, start = [], BEGINNING
    for _ in range(100):
        page = collect_page(Query(prefix=prefix, delimiter=delimiter, start=start, limit=limit), rows)
        entries += sorted([*(place.key for place in page.rows), *page.common_prefixes])
        if page.next is None:
            break
        start = cursor_after_marker(page.last.key, prefix, delimiter)
    assert entries == naive(keys, prefix, delimiter)


@given(
    st.sets(st.tuples(TEXT.filter(bool), st.sampled_from(["u", "v", "w"])), max_size=20), st.integers(1, 4)
)
def test_entries_of_one_key_are_told_apart(pairs, limit):
    places = sorted(Cursor(key.encode(), tie.encode()) for key, tie in pairs)
    rows, seen, start = Rows(places, b""), [], BEGINNING
    for _ in range(100):
        page = collect_page(Query(prefix=b"", delimiter=b"", start=start, limit=limit), rows)
        seen += page.rows
        if page.next is None:
            break
        start = page.next
    assert seen == places


@pytest.mark.slow
def test_T236_a_page_of_huge_groups_fetches_few_rows():
    """100 groups of 1,000 keys: skipped over, not read."""
    places = [Cursor(b"%03d/%04d" % (group, number)) for group in range(100) for number in range(1000)]
    rows = Rows(places, b"")
    page = collect_page(Query(prefix=b"", delimiter=b"/", start=BEGINNING, limit=1000), rows)
    assert len(page.common_prefixes) == 100
    assert rows.fetches <= 102
    assert rows.fetched <= 400


def test_T236_a_page_without_groups_is_fetched_at_once():
    rows = Rows([Cursor(b"%05d" % number) for number in range(5000)], b"")
    page = collect_page(Query(prefix=b"", delimiter=b"", start=BEGINNING, limit=1000), rows)
    assert (len(page.rows), rows.fetches, rows.fetched) == (1000, 1, 1001)


def test_T236_a_delimiter_that_no_key_has_costs_few_fetches():
    rows = Rows([Cursor(b"%05d" % number) for number in range(5000)], b"")
    page = collect_page(Query(prefix=b"", delimiter=b"/", start=BEGINNING, limit=1000), rows)
    assert len(page.rows) == 1000
    assert rows.fetches <= 8
    assert rows.fetched <= 3000


def test_a_page_of_none_is_empty_and_last():
    page = collect_page(Query(prefix=b"", delimiter=b"", start=BEGINNING, limit=0), Rows([Cursor(b"a")], b""))
    assert (page.count, page.next) == (0, None)


@given(st.binary(max_size=5), st.binary(max_size=5))
def test_after_prefix_is_above_every_string_with_the_prefix_and_no_other(prefix, rest):
    bound = after_prefix(prefix)
    if prefix.strip(b"\xff"):
        assert prefix + rest < bound
        assert not bound.startswith(prefix)
    else:
        assert bound == END


@given(TEXT, st.sampled_from(["bucket", "other"]))
def test_a_token_gives_the_place_back(key, bucket):
    assert open_token(SECRET, bucket, seal_token(SECRET, bucket, Cursor(key.encode()))) == Cursor(
        key.encode()
    )


@pytest.mark.parametrize("token", ["", "a", "?", "é", "AAAA", "../x", "' OR 1=1 --", "A" * 1_000_000])
def test_T235_a_token_that_is_not_ours_is_refused(token):
    with pytest.raises(errors.InvalidArgument):
        open_token(SECRET, "bucket", token)


def test_T235_a_token_is_good_for_its_bucket_only():
    token = seal_token(SECRET, "bucket", Cursor(b"key"))
    with pytest.raises(errors.InvalidArgument):
        open_token(SECRET, "bucke", token)
    with pytest.raises(errors.InvalidArgument):
        open_token(b"t" * 32, "bucket", token)


@pytest.mark.parametrize(("asked", "given_limit"), [(None, 1000), (0, 0), (1, 1), (1000, 1000), (1001, 1000)])
def test_a_page_has_at_most_1000_entries(asked, given_limit):
    assert page_limit(asked, "max-keys") == given_limit


def test_a_negative_page_is_refused():
    with pytest.raises(errors.InvalidArgument):
        page_limit(-1, "max-keys")
