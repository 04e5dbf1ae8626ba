from onread.wire.head_names import HeadNames, read_names, read_values


def test_names_are_known_as_sent_and_in_lower_case():
    assert read_names([b"Host", b"X-A", b"x-a"]) == HeadNames(
        ("Host", "X-A", "x-a"), ("host", "x-a", "x-a"), frozenset({"x-a"})
    )


def test_a_head_may_have_no_names():
    assert read_names([]) == HeadNames((), (), frozenset())
    assert read_values([]) == ([], False)


def test_long_sets_of_names_are_read_and_not_kept():
    long = [b"X-%d" % number for number in range(1000)]
    assert read_names(long) == read_names(long)
    assert read_names(long) is not read_names(long)


def test_values_keep_their_bytes_and_their_empty_places():
    assert read_values([b"", b"a\xe9", b""]) == (["", "a\xe9", ""], False)


def test_a_value_that_ends_in_a_space_is_seen_wherever_it_stands():
    for values in ([b"a ", b"b"], [b"a", b"b\t"], [b"a\t", b""], [b" "]):
        assert read_values(values)[1]
    assert not read_values([b" a", b"\tb", b"a b"])[1]
