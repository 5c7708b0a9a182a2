"""What every scorer asks of its rows."""

import numpy as np

from features.types import Rows


def check_rows(rows: Rows, columns: tuple[str, ...]) -> None:
    """Raise ValueError unless rows is C-contiguous float32[n, f] with one f per column.

    A silent copy here would hide from the profile; whoever made the rows can make them right.
    """
    if rows.dtype != np.float32 or rows.ndim != 2 or not rows.flags.c_contiguous:
        raise ValueError(
            f"rows must be C-contiguous float32[n, f], not {rows.dtype}{list(rows.shape)}"
            f" with strides {rows.strides}"
        )
    if rows.shape[1] != len(columns):
        raise ValueError(f"rows have {rows.shape[1]} columns, the scorer has {len(columns)}")
