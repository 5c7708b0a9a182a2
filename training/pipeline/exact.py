"""Arithmetic that every engine does alike, to the last bit."""

import math

import ibis
import ibis.expr.types as ir

UNIT = 1 << 32
"""Weights are counted in 2**-32ths: the sum of integers does not depend on their order."""
TERMS = 16
"""Of the series: what is left out is less than 2**-64."""


def halved(halvings: ir.FloatingValue) -> ir.IntegerValue:
    """Return 0.5 ** halvings as a whole number of `UNIT`ths; halvings >= 0.

    A library's ``exp`` or ``pow`` may round the last bit as it likes, so this is neither: whole
    halvings are powers of two, which all libraries have exactly, and the fraction a Horner scheme.
    """
    whole = halvings.floor().cast("float64")
    fraction = halvings - whole
    coefficients = [(-math.log(2.0)) ** power / math.factorial(power) for power in range(TERMS)]
    value = fraction * 0.0 + coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        value = value * fraction + coefficient
    return rounded(value * ibis.literal(2.0) ** (-whole) * float(UNIT))


def rounded(value: ir.FloatingValue) -> ir.IntegerValue:
    """Return the nearest whole number, half upwards: ``round`` differs between engines."""
    return (value + 0.5).floor().cast("int64")


def numbered(number: ir.IntegerColumn) -> ir.IntegerColumn:
    """Return a row number as int64: Spark's has 32 bits, which overflow where it is multiplied.

    Ibis takes it for an int64 and would leave out a cast to that, but not one by way of a float.
    """
    return number.cast("float64").cast("int64")


def total(value: ir.IntegerColumn) -> ir.IntegerScalar:
    """Return the sum as int64.

    DuckDB's own has 128 bits, which Parquet would keep as a float. Ibis takes it for an int64 and
    would leave out a cast to that, but not one by way of a decimal.
    """
    return value.sum().cast("decimal(38, 0)").cast("int64")


def scattered(number: ir.IntegerValue) -> ir.IntegerValue:
    """Return a number in [0, 2**31 - 1) that looks like chance, the same wherever it is computed.

    Squares modulo a prime: no step leaves an int64, and no engine's own hash is asked.
    """
    prime = 2**31 - 1
    mixed = (number % prime * 48271 + 1) % prime
    for _ in range(2):
        mixed = (mixed * mixed + mixed * 69621 + number % prime) % prime
    return mixed
