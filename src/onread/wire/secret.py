"""A string that does not tell."""


class Secret(str):
    """Text that never shows itself in a log, a repr or a traceback; `reveal` gives the plain value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def reveal(self) -> str:
        """The plain value, for the one place that needs it."""
        return str.__str__(self)
