from onread.gateway.line_limit import LineLimit


def test_T258_no_more_lines_in_a_second_than_the_limit_and_the_rest_is_told():
    limit = LineLimit(per_second=10)
    written = [limit.admits(5 + number / 100_000) for number in range(100_000)]
    assert sum(written) == 10
    assert limit.admits(6.0)
    assert limit.take_left_out() == 99_990
    assert limit.take_left_out() == 0


def test_at_the_limit_every_line_is_written():
    limit = LineLimit(per_second=3)
    assert [limit.admits(second + part / 4) for second in range(3) for part in range(3)] == [True] * 9
    assert limit.take_left_out() == 0
