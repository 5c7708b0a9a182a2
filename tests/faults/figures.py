"""The figures that a fault test measures, and the bars that it holds them to."""

from dataclasses import dataclass

type Value = float | int | str

TIMES = ("ms", "s", "of peak")
"""Units of what takes longer, or is less, where the machine does other things as well."""


@dataclass(frozen=True)
class Figure:
    """One measured value; ``bar`` is empty where it is only noted."""

    what: str
    value: Value
    unit: str = ""
    bar: str = ""
    held: bool = True


class Figures:
    """What one test measured, in order.

    Without ``hold_times`` a broken bar of a time is told, and fails nothing: in `make test`,
    on a machine that does other things as well, it would be noise. `make faults` holds them all.
    """

    def __init__(self, *, hold_times: bool = True) -> None:
        self.measured: list[Figure] = []
        self._hold_times = hold_times

    def note(self, what: str, value: Value, unit: str = "") -> None:
        """Note a figure that has no bar."""
        self.measured.append(Figure(what, _plain(value), unit))

    def hold(
        self,
        what: str,
        value: Value,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        equal: Value | None = None,
        unit: str = "",
    ) -> None:
        """Note a figure with its bar, and fail the test where it does not keep it; NaN never does.

        Raises:
            AssertionError: the bar is broken.
        """
        value = _plain(value)
        tried = (("==", equal), (">=", at_least), ("<=", at_most))
        bars = [(sign, limit) for sign, limit in tried if limit is not None]
        assert bars, f"{what}: hold it to what?"
        held = all(_keeps(value, sign, limit) for sign, limit in bars)
        bar = ", ".join(f"{sign} {limit}" for sign, limit in bars)
        self.measured.append(Figure(what, value, unit, bar, held))
        told = f"{what}: {value} {unit}".rstrip() + f", the bar is {bar}"
        assert held or (unit in TIMES and not self._hold_times), told


def _keeps(value: Value, sign: str, limit: Value) -> bool:
    if sign == "==":
        return value == limit
    number, bound = float(value), float(limit)
    return number >= bound if sign == ">=" else number <= bound


def _plain(value: Value) -> Value:
    """Return numpy's numbers as Python's, which JSON knows."""
    return value if isinstance(value, str | int | float) else float(value)
