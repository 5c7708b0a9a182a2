"""What the scans ask of the processor, beside `ranking.lanes`: for kernels only, like those.

numba caches a kernel by the text of the kernel's own file: a file that uses these carries this
file's SHA-256, too, and a test compares it.
"""
# mypy: disable-error-code="no-untyped-call"
# (numba and llvmlite are untyped throughout)

from collections.abc import Callable
from typing import Any

from llvmlite import binding, ir
from llvmlite.ir import IRBuilder, Value
from numba import types
from numba.core import cgutils, config

from ranking.lanes import FLOATS, LANES, TRUTH, WORDS, _call, _instruction, _spread

# lanes.py: f938b4957a79d83b504ee2106a741e9f0023750d13784fe70bb90dcc4c1099c1

_FLOAT, _BYTE, _WORD, _LONG = ir.FloatType(), ir.IntType(8), ir.IntType(32), ir.IntType(64)
_WIDE = 16  # floats of an AVX-512 register; LLVM cuts them up where registers are smaller


@_instruction(lambda cells, _at, query, _: types.float32(cells, types.intp, query, types.intp))
def product(builder: IRBuilder, cells: Value, at: Value, query: Value, width: Value) -> Value:
    """Sum cells[at + i] * query[i] over width float32, always in the same order."""
    return _products(builder, cells, [at], query, width)[0]


@_instruction(lambda *kinds: types.void(*kinds[:1], types.intp, kinds[2], types.intp, *kinds[4:]))
def four_products(
    builder: IRBuilder,
    cells: Value,
    at: Value,
    query: Value,
    width: Value,
    scores: Value,
    to: Value,
) -> None:
    """Write `product`, bit by bit, of four vectors in a row to scores[to : to + 4]."""
    starts = [at]
    while len(starts) < 4:
        starts.append(builder.add(starts[-1], width))
    for place, score in enumerate(_products(builder, cells, starts, query, width)):
        builder.store(score, builder.gep(scores, [builder.add(to, to.type(place))]))


def _products(
    builder: IRBuilder, cells: Value, starts: list[Value], query: Value, width: Value
) -> list[Value]:
    kind = width.type
    whole = builder.and_(width, kind(-_WIDE))
    wide = _sums(builder, cells, starts, query, (kind(0), whole, kind(_WIDE)))
    rest = _sums(builder, cells, starts, query, (whole, width, kind(1)))
    return [
        builder.fadd(_folded(builder, one), other) for one, other in zip(wide, rest, strict=True)
    ]


def _sums(
    builder: IRBuilder,
    cells: Value,
    starts: list[Value],
    query: Value,
    span: tuple[Value, Value, Value],
) -> list[Value]:
    """Add up, for each start, the products at the places of span: (start, stop, lanes)."""
    count = span[2].constant
    one, zero, name = _FLOAT, ir.Constant(_FLOAT, 0.0), "llvm.fmuladd.f32"
    if count > 1:
        one, name = ir.VectorType(_FLOAT, count), f"llvm.fmuladd.v{count}f32"
        zero = ir.Constant(one, [0.0] * count)
    totals = [cgutils.alloca_once_value(builder, zero) for _ in starts]

    def load(array: Value, place: Value) -> Value:
        address = builder.bitcast(builder.gep(array, [place]), one.as_pointer())
        return builder.load(address, align=4)

    with cgutils.for_range_slice(builder, *span) as (i, _):
        factor = load(query, i)
        for start, total in zip(starts, totals, strict=True):
            cell = load(cells, builder.add(start, i))
            builder.store(_call(builder, name, one, cell, factor, builder.load(total)), total)
    return [builder.load(total) for total in totals]


def _folded(builder: IRBuilder, wide: Value) -> Value:
    """Add the upper half to the lower until one is left."""
    while (count := wide.type.count) > 1:
        half = ir.VectorType(_WORD, count // 2)
        halves = (ir.Constant(half, [*range(low, low + count // 2)]) for low in (0, count // 2))
        wide = builder.fadd(*(builder.shuffle_vector(wide, wide, which) for which in halves))
    return builder.extract_element(wide, _WORD(0))


@_instruction(lambda array, _: types.void(array, types.intp))
def prefetch(builder: IRBuilder, array: Value, at: Value) -> None:
    """Ask for the cache line of array[at]; the address may be anything."""
    kind = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), _WORD, _WORD, _WORD])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    place = builder.bitcast(builder.gep(array, [at]), _BYTE.as_pointer())
    builder.call(function, [place, _WORD(0), _WORD(3), _WORD(1)])  # to read, to keep, data


@_instruction(lambda *_: WORDS(WORDS, WORDS, types.int32))
def add_products(builder: IRBuilder, total: Value, values: Value, factors: Value) -> Value:
    """Add to each lane the products of the four bytes of values, unsigned, and of factors, signed.

    One instruction where the processor has AVX-512 VNNI, three with AVX2, else a dozen; the same
    integers, as long as the products of two neighbouring bytes add up to less than 2**15.
    """
    if _has("avx512vnni"):
        return _in_registers(builder, total, values, factors, _WIDE, _add_by_vnni)
    if _has("avx2"):
        return _in_registers(builder, total, values, factors, _WIDE // 2, _add_by_avx2)
    for shift in (0, 8, 16, 24):
        moved = builder.lshr(values, _spread(builder, _WORD(shift), LANES))
        value = builder.and_(moved, _spread(builder, _WORD(255), LANES))
        factor = builder.ashr(builder.shl(factors, _WORD(24 - shift)), _WORD(24))
        total = builder.add(total, builder.mul(value, _spread(builder, factor, LANES)))
    return total


def _has(feature: str) -> bool:
    told: str | None = vars(config)["CPU_FEATURES"]  # NUMBA_CPU_FEATURES
    if told is not None:
        return f"+{feature}" in told.split(",")
    return bool(binding.get_host_cpu_features().get(feature))


def _add_by_vnni(builder: IRBuilder, total: Value, values: Value, factors: Value) -> Value:
    return _call(builder, "llvm.x86.avx512.vpdpbusd.512", total.type, total, values, factors)


def _add_by_avx2(builder: IRBuilder, total: Value, values: Value, factors: Value) -> Value:
    halves = ir.VectorType(ir.IntType(16), values.type.count // 2)
    ones = ir.Constant(halves, [1] * halves.count)
    pairs = _call(builder, "llvm.x86.avx2.pmadd.ub.sw", halves, values, factors)
    return builder.add(total, _call(builder, "llvm.x86.avx2.pmadd.wd", total.type, pairs, ones))


def _in_registers(
    builder: IRBuilder,
    total: Value,
    values: Value,
    factors: Value,
    width: int,
    add: Callable[[IRBuilder, Value, Value, Value], Value],
) -> Value:
    """Do to so many lanes at a time what is made for one width of register only."""
    words, octets = ir.VectorType(_WORD, width), ir.VectorType(_BYTE, 4 * width)
    factors = builder.bitcast(_spread(builder, factors, width), octets)
    parts = []
    for start in range(0, LANES, width):
        which = ir.Constant(words, [*range(start, start + width)])
        own, value = (builder.shuffle_vector(all_, all_, which) for all_ in (total, values))
        parts.append(add(builder, own, builder.bitcast(value, octets), factors))
    while len(parts) > 1:
        length = parts[0].type.count
        both = ir.Constant(ir.VectorType(_WORD, 2 * length), [*range(2 * length)])
        pairs = zip(parts[::2], parts[1::2], strict=True)
        parts = [builder.shuffle_vector(low, high, both) for low, high in pairs]
    return parts[0]


@_instruction(lambda _: FLOATS(WORDS))
def words_to_floats(builder: IRBuilder, words: Value) -> Value:
    """Convert signed WORDS to the nearest FLOATS."""
    return builder.sitofp(words, ir.VectorType(_FLOAT, LANES))


@_instruction(lambda *_: types.uint64(TRUTH, types.intp))
def bits(builder: IRBuilder, condition: Value, start: Value) -> Value:
    """Return the condition in lanes start to start + 64 as the bits of an integer."""
    every = ir.IntType(LANES)
    moved = builder.lshr(builder.bitcast(condition, every), builder.zext(start, every))
    return builder.trunc(moved, _LONG)


@_instruction(lambda _: types.int64(types.uint64))
def lowest(builder: IRBuilder, word: Value) -> Value:
    """Return the number of the lowest set bit; of 0 it is anything."""
    kind: Any = ir.FunctionType(_LONG, [_LONG, ir.IntType(1)])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.cttz.i64")
    return builder.call(function, [word, ir.IntType(1)(1)])


@_instruction(lambda _: types.int32(types.float32))
def word_of(builder: IRBuilder, number: Value) -> Value:
    """Return the bits of a float32."""
    return builder.bitcast(number, _WORD)


@_instruction(lambda _: types.float32(types.int32))
def float_of(builder: IRBuilder, word: Value) -> Value:
    """Return the float32 of these bits."""
    return builder.bitcast(word, _FLOAT)
