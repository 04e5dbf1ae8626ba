import pytest
from tests.cases import counts, numbers_in


@pytest.mark.parametrize(
    ("node_id", "numbers"),
    [
        ("a/test_b.py::test_T031_trailers[T099]", {"T031"}),
        ("a/test_b.py::test_T237_T238_of_many", {"T237", "T238"}),
        ("a/test_b.py::test_T040_to_T057_R071_straight", {"R071"}),
        ("a/test_T001.py::test_nothing", set()),
        ("a/test_b.py::test_R0421_is_no_case", set()),
    ],
)
def test_a_test_counts_for_the_cases_in_its_own_name(node_id, numbers):
    assert numbers_in(node_id) == numbers


def test_a_section_tells_what_it_lacks():
    lines = list(counts(["x.py::test_T060_a", "x.py::test_T060_b[1]", "x.py::test_T066_c", "x.py::test_d"]))
    assert lines == [
        "cases, section 4, what goes back out: 2 of 7 have tests that passed, 3 tests; "
        "without: T061 T062 T063 T064 T065"
    ]
