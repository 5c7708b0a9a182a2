"""A Markdown table."""

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[object]], align: str = "---:") -> str:
    """Return a Markdown table; ``align`` is for every column but the first."""
    rule = ["---", *(align for _ in head[1:])]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, rule, *rows))
