from onread.protocol.xml_text import drop_unprintable, escape


def test_markup_is_escaped() -> None:
    assert escape("]]><script>&xxe;\"'") == "]]&gt;&lt;script&gt;&amp;xxe;&quot;'"


def test_line_ends_and_tabs_are_references_so_that_no_parser_changes_them() -> None:
    assert escape("a\r\n\tb") == "a&#xD;&#xA;&#x9;b"


def test_what_xml_cannot_hold_becomes_the_replacement_character() -> None:
    assert escape("a\x00\x1f\ud800\uffffb") == "a\ufffd\ufffd\ufffd\ufffdb"


def test_what_xml_cannot_hold_is_dropped_from_messages() -> None:
    assert drop_unprintable("a\x00\x1f\ud800<\n\uffffb") == "a<\nb"
