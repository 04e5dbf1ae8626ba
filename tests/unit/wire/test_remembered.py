"""Long texts are worked out each time."""

from onread.wire.remembered import LONGEST_REMEMBERED, remembered


def test_a_text_is_worked_out_once_and_a_long_one_each_time():
    asked = []

    @remembered(2)
    def find(text, more):
        asked.append(text)
        return text + more

    long = "l" * (LONGEST_REMEMBERED + 1)
    for _ in range(3):
        assert find("short", "er") == "shorter"
        assert find(long, "er") == long + "er"
    assert asked == ["short", long, long, long]
