"""What is wrong with a file of surfaces, and where."""


class SurfacesRejected(ValueError):
    """The file cannot be used; the message says which line, what is wrong, and the remedy.

    ``line`` counts from 1; None where the fault is of no one line.
    """

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason if line is None else f"line {line}: {reason}")
        self.line = line
