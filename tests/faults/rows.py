"""The rows R1-R20, as docs/faults.md tells them: there is no other list."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "faults.md"


def rows() -> dict[str, str]:
    """Return row -> the fault, in order."""
    return dict(re.findall(r"^\| (R\d+) \| (.+?) \|", PAGE.read_text(), re.MULTILINE))
