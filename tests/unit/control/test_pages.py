"""Pages: nothing skipped, nothing twice, whatever changes in between."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.control.pages import check_page_size, cut_page, decode_token, encode_token
from onread.errors import InvalidRequest

NAMES = st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=20).map(sorted)


@given(NAMES, st.integers(1, 7))
def test_the_pages_of_a_list_are_the_list(names: list[str], most: int) -> None:
    seen: list[str] = []
    token = None
    for _ in range(len(names) + 1):
        page = cut_page(names, name_of=str, token=token, most=most, refusal=InvalidRequest)
        assert len(page.items) <= most
        seen += page.items
        token = page.next_token
        if token is None:
            break
    assert seen == names


@given(st.text(min_size=1, max_size=64))
def test_a_token_gives_its_name_back(name: str) -> None:
    assert decode_token(encode_token(name), InvalidRequest) == name


@given(st.text(max_size=40))
def test_any_text_is_a_token_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidRequest):
        assert isinstance(decode_token(text, InvalidRequest), str)


def test_a_page_size_is_within_its_bounds() -> None:
    def size(asked: int | None) -> int:
        return check_page_size(asked, default=50, largest=100, member="MaxItems", refusal=InvalidRequest)

    assert [size(asked) for asked in (None, 0, 1, 99, 100)] == [50, 50, 1, 99, 100]
    for wrong in (-1, 101):
        with pytest.raises(InvalidRequest, match="MaxItems"):
            size(wrong)
