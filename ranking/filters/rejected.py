"""What is wrong with a filter, and where."""


class FilterRejected(ValueError):
    """The client's filter cannot be used; the message says why, where, and what to write instead.

    ``position`` counts the characters before the fault; ``column`` is the one it is about, if any.
    """

    def __init__(self, reason: str, position: int, column: str | None = None) -> None:
        super().__init__(f"{reason} (at position {position})")
        self.position = position
        self.column = column
