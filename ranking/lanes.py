"""Vectors of 128 lanes as values inside numba kernels.

numba turns a loop into vector code only where LLVM can prove what the loop does. These types say
it outright: a `Lanes` value is an LLVM vector, an operation on it is one or two LLVM
instructions, and LLVM cuts them into whatever registers the machine has (two of AVX-512, four of
AVX2, eight of NEON). 128 lanes measured best: docs/decisions/0003-forest-kernel.md.

The functions here are for kernels only; what stands in their bodies runs while one is compiled.
numba caches a kernel by the text of the kernel's own file, so that file must change whenever this
one does: it carries this file's SHA-256, which a test compares.
"""
# mypy: disable-error-code="no-untyped-call"
# (numba and llvmlite are untyped throughout)

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from llvmlite.ir import IRBuilder, Value
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, builtin_registry
from numba.extending import register_model
from numba.np.arrayobj import make_array

LANES = 128
TILE = 32  # lanes of which several values fit into registers together
CACHE_LINE = 64

_WORD = ir.IntType(32)
_ELEMENT = {
    "bool": ir.IntType(1),
    "uint8": ir.IntType(8),
    "int32": _WORD,
    "float32": ir.FloatType(),
    "float64": ir.DoubleType(),
}


class Lanes(types.Type):
    """The numba type of 128 (or fewer) values of one dtype, side by side."""

    def __init__(self, dtype: Any, count: int = LANES) -> None:
        self.dtype = dtype
        self.count = count
        super().__init__(name=f"Lanes({dtype}, {count})")


@register_model(Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, ir.VectorType(_ELEMENT[str(lanes.dtype)], lanes.count))


TRUTH, BYTES, WORDS = Lanes(types.boolean), Lanes(types.uint8), Lanes(types.int32)
FLOATS, DOUBLES = Lanes(types.float32), Lanes(types.float64)

type Typing = Callable[..., Any]
"""From the arguments' numba types to a signature, or to None where the instruction has none."""


def _instruction(typing: Typing, operation: Any = None) -> Callable[[Any], Any]:
    """Make the decorated function(builder, *values) emit the code of a call or an operator.

    The values are LLVM's; an array comes as the pointer to its first element.
    """

    def define(emit: Callable[..., Value]) -> Callable[..., Value]:
        class _Template(AbstractTemplate):
            key = operation or emit

            def generic(self, args: Any, _: Any) -> Any:
                return typing(*args)

        builtin_registry.register_global(_Template.key, types.Function(_Template))

        @lower_builtin(_Template.key, types.VarArg(types.Any))
        def _lower(context: Any, builder: IRBuilder, sig: Any, args: Any) -> Value:
            values = [
                make_array(kind)(context, builder, value).data
                if isinstance(kind, types.Array)
                else value
                for kind, value in zip(sig.args, args, strict=True)
            ]
            return emit(builder, *values) or context.get_dummy_value()

        return emit

    return define


def _same(a: Any, b: Any) -> Any:
    return a(a, a) if isinstance(a, Lanes) and a == b else None


def _truth(a: Any, b: Any) -> Any:
    return TRUTH(a, a) if isinstance(a, Lanes) and a == b else None


_instruction(_same, operator.and_)(lambda builder, a, b: builder.and_(a, b))
_instruction(_same, operator.or_)(lambda builder, a, b: builder.or_(a, b))
_instruction(_same, operator.xor)(lambda builder, a, b: builder.xor(a, b))


@_instruction(_same, operator.add)
def _add(builder: IRBuilder, a: Value, b: Value) -> Value:
    return builder.add(a, b) if isinstance(a.type.element, ir.IntType) else builder.fadd(a, b)


@_instruction(_same, operator.mul)
def _multiply(builder: IRBuilder, a: Value, b: Value) -> Value:
    return builder.mul(a, b) if isinstance(a.type.element, ir.IntType) else builder.fmul(a, b)


@_instruction(_same, operator.sub)
def _subtract(builder: IRBuilder, a: Value, b: Value) -> Value:
    return builder.sub(a, b) if isinstance(a.type.element, ir.IntType) else builder.fsub(a, b)


@_instruction(_truth, operator.gt)
def _above(builder: IRBuilder, a: Value, b: Value) -> Value:
    if isinstance(a.type.element, ir.IntType):
        return builder.icmp_unsigned(">", a, b)
    return builder.fcmp_ordered(">", a, b)  # false beside a NaN


@_instruction(lambda array, _: Lanes(array.dtype)(array, types.intp))
def load(builder: IRBuilder, array: Value, at: Value) -> Value:
    """Read array[at : at + 128], unchecked, at any alignment."""
    return _load(builder, array, at, LANES)


@_instruction(lambda array, _: Lanes(array.dtype, TILE)(array, types.intp))
def load_tile(builder: IRBuilder, array: Value, at: Value) -> Value:
    """Read array[at : at + 32], unchecked, at any alignment."""
    return _load(builder, array, at, TILE)


@_instruction(lambda array, _, value: types.void(array, types.intp, value))
def store(builder: IRBuilder, array: Value, at: Value, value: Value) -> None:
    """Write the lanes of value to array from `at` on, unchecked, at any alignment."""
    place = builder.bitcast(builder.gep(array, [at]), value.type.as_pointer())
    builder.store(value, place, align=1)


@_instruction(lambda array, _, index: Lanes(array.dtype)(array, types.intp, index))
def gather(builder: IRBuilder, array: Value, base: Value, index: Value) -> Value:
    """Read array[base + index] in every lane, unchecked; index is BYTES or WORDS."""
    if index.type.element != _WORD:
        index = builder.zext(index, ir.VectorType(_WORD, LANES))
    pointers = _Pointers(builder.block, builder.gep(array, [base]), index)
    builder._insert(pointers)
    element = array.type.pointee
    result = ir.VectorType(element, LANES)
    everywhere = ir.Constant(ir.VectorType(ir.IntType(1), LANES), [1] * LANES)
    width = {"float": 4, "double": 8, "i32": 4}[str(element)]
    name = f"llvm.masked.gather.v{LANES}{element.intrinsic_name}.v{LANES}p0"
    undefined = ir.Constant(result, ir.Undefined)
    return _call(builder, name, result, pointers, ir.Constant(_WORD, width), everywhere, undefined)


@_instruction(lambda value: Lanes(value)(value))
def spread(builder: IRBuilder, value: Value) -> Value:
    """Put one scalar into every lane."""
    return _spread(builder, value, LANES)


@_instruction(lambda value: Lanes(value, TILE)(value))
def spread_tile(builder: IRBuilder, value: Value) -> Value:
    """Put one scalar into every lane of a tile."""
    return _spread(builder, value, TILE)


@_instruction(lambda a, b, c: _same(a, b) and _same(b, c) and a(a, a, a))
def multiply_add(builder: IRBuilder, a: Value, b: Value, c: Value) -> Value:
    """Return a * b + c, rounded once where the machine can do that in one instruction."""
    name = f"llvm.fmuladd.v{a.type.count}{a.type.element.intrinsic_name}"
    return _call(builder, name, a.type, a, b, c)


@_instruction(lambda _: BYTES(types.uint32))
def spread_word(builder: IRBuilder, word: Value) -> Value:
    """Repeat the four bytes of a uint32 over all BYTES: cheaper on x86 than spreading one."""
    return builder.bitcast(
        _spread(builder, word, LANES // 4), ir.VectorType(_ELEMENT["uint8"], LANES)
    )


@_instruction(lambda _, yes, no: _same(yes, no) and yes(TRUTH, yes, no))
def choose(builder: IRBuilder, condition: Value, yes: Value, no: Value) -> Value:
    """Take yes in the lanes where the condition holds, else no."""
    return builder.select(condition, yes, no)


@_instruction(lambda _: types.boolean(TRUTH))
def any_of(builder: IRBuilder, condition: Value) -> Value:
    """Tell whether the condition holds in any lane."""
    together = ir.IntType(LANES)
    return builder.icmp_unsigned("!=", builder.bitcast(condition, together), together(0))


@_instruction(lambda _: BYTES(BYTES))
def trailing_zeros(builder: IRBuilder, value: Value) -> Value:
    """Count the zero bits below the lowest set bit of each of BYTES; of 0 it is anything."""
    zero_is_poison = ir.Constant(ir.IntType(1), 1)
    return _call(builder, f"llvm.cttz.v{LANES}i8", value.type, value, zero_is_poison)


@_instruction(lambda _: FLOATS(FLOATS))
def magnitude(builder: IRBuilder, value: Value) -> Value:
    """Drop the sign of FLOATS."""
    return _call(builder, f"llvm.fabs.v{LANES}f32", value.type, value)


@_instruction(lambda _: DOUBLES(FLOATS))
def to_doubles(builder: IRBuilder, value: Value) -> Value:
    """Widen FLOATS."""
    return builder.fpext(value, ir.VectorType(_ELEMENT["float64"], LANES))


@_instruction(lambda _: FLOATS(DOUBLES))
def to_floats(builder: IRBuilder, value: Value) -> Value:
    """Round DOUBLES to the nearest FLOATS."""
    return builder.fptrunc(value, ir.VectorType(_ELEMENT["float32"], LANES))


@_instruction(lambda value: WORDS(value) if value in (BYTES, FLOATS) else None)
def to_words(builder: IRBuilder, value: Value) -> Value:
    """Widen BYTES, or round FLOATS towards zero, to WORDS; they must fit."""
    words = ir.VectorType(_WORD, LANES)
    whole = isinstance(value.type.element, ir.IntType)
    return builder.zext(value, words) if whole else builder.fptosi(value, words)


@_instruction(lambda *_: BYTES(WORDS, types.int32))
def to_bytes(builder: IRBuilder, value: Value, shift: Value) -> Value:
    """Keep the eight bits of WORDS that start at bit `shift`."""
    moved = builder.lshr(value, _spread(builder, shift, LANES))
    return builder.trunc(moved, ir.VectorType(_ELEMENT["uint8"], LANES))


class _Pointers(ir.instructions.Instruction):  # type: ignore[misc]
    """A getelementptr with a vector of offsets, which llvmlite's builder cannot express."""

    def __init__(self, block: Any, base: Value, offsets: Value) -> None:
        pointers = ir.VectorType(base.type, LANES)
        super().__init__(block, pointers, "getelementptr", [base, offsets])

    def descr(self, buffer: list[str]) -> None:
        base, offsets = (f"{value.type} {value.get_reference()}" for value in self.operands)
        buffer.append(f"getelementptr {self.operands[0].type.pointee}, {base}, {offsets}\n")


def _load(builder: IRBuilder, array: Value, at: Value, count: int) -> Value:
    vector = ir.VectorType(array.type.pointee, count)
    return builder.load(builder.bitcast(builder.gep(array, [at]), vector.as_pointer()), align=1)


def _spread(builder: IRBuilder, value: Value, count: int) -> Value:
    vector = ir.VectorType(value.type, count)
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(_WORD, 0))
    everywhere_first = ir.Constant(ir.VectorType(_WORD, count), [0] * count)
    return builder.shuffle_vector(first, undefined, everywhere_first)


def _call(builder: IRBuilder, name: str, result: Any, *args: Value) -> Value:
    kind = ir.FunctionType(result, [arg.type for arg in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)
