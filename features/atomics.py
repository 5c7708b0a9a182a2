"""Atomic loads and stores, fences and copies as instructions inside numba kernels.

numba has none of its own: a plain ``array[i]`` may be read twice, or moved, by the compiler. The
functions here are for kernels only; what stands in their bodies runs while one is compiled, where
an array comes as the address of its first element. Nothing is bounds-checked. The orderings are
C++'s (LLVM Language Reference, "Atomic Memory Ordering Constraints").

numba caches a kernel by the text of the kernel's own file, so that file must change whenever this
one does: it carries this file's SHA-256, which a test compares.
"""
# mypy: disable-error-code="untyped-decorator, no-untyped-call"
# (numba and llvmlite are untyped throughout)

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from llvmlite.ir import IRBuilder, Value
from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, builtin_registry
from numba.np.arrayobj import make_array

_BYTE, _WORD = ir.IntType(8).as_pointer(), ir.IntType(32)


def _instruction(signature: Callable[..., Any]) -> Callable[[Any], Any]:
    """Make the decorated function(builder, *values) emit the code of a call in a kernel.

    ``signature`` takes the arguments' numba types and returns the call's.
    """

    def define(emit: Callable[..., Value | None]) -> Callable[..., Any]:
        class _Template(AbstractTemplate):
            key = emit

            def generic(self, args: Any, _: Any) -> Any:
                return signature(*args)

        builtin_registry.register_global(emit, types.Function(_Template))

        @lower_builtin(emit, types.VarArg(types.Any))
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


def _size(array: Value) -> int:
    """Return the bytes of one element of the array that starts at an address."""
    return {"i8": 1, "i32": 4, "i64": 8, "float": 4}[str(array.type.pointee)]


@_instruction(lambda array, _: array.dtype(array, types.intp))
def load_acquire(builder: IRBuilder, array: Value, at: Value) -> Value:
    """Read array.flat[at]; nothing below is read before it."""
    return builder.load_atomic(builder.gep(array, [at]), "acquire", _size(array))


@_instruction(lambda array, _: array.dtype(array, types.intp))
def load_relaxed(builder: IRBuilder, array: Value, at: Value) -> Value:
    """Read array.flat[at], once and whole."""
    return builder.load_atomic(builder.gep(array, [at]), "monotonic", _size(array))


@_instruction(lambda array, _at, _value: types.void(array, types.intp, array.dtype))
def store_relaxed(builder: IRBuilder, array: Value, at: Value, value: Value) -> None:
    """Write array.flat[at] whole."""
    builder.store_atomic(value, builder.gep(array, [at]), "monotonic", _size(array))


@_instruction(lambda array, _at, _value: types.void(array, types.intp, array.dtype))
def store_release(builder: IRBuilder, array: Value, at: Value, value: Value) -> None:
    """Write array.flat[at]; whoever reads the value with acquire sees all that was written."""
    builder.store_atomic(value, builder.gep(array, [at]), "release", _size(array))


@_instruction(types.void)
def fence_acquire(builder: IRBuilder) -> None:
    """Keep what is read above this line above what is read or written below it."""
    builder.fence("acquire")


@_instruction(types.void)
def fence_release(builder: IRBuilder) -> None:
    """Keep what is written below this line below what is read or written above it."""
    builder.fence("release")


@_instruction(lambda array, _: types.void(array, types.intp))
def prefetch(builder: IRBuilder, array: Value, at: Value) -> None:
    """Ask for the cache line of array.flat[at]; the address may be anything."""
    kind = ir.FunctionType(ir.VoidType(), [_BYTE, _WORD, _WORD, _WORD])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    reading, keep, data = _WORD(0), _WORD(3), _WORD(1)
    builder.call(function, [builder.bitcast(builder.gep(array, [at]), _BYTE), reading, keep, data])


@_instruction(
    lambda target, _to, source, _at, _count: types.void(
        target, types.intp, source, types.intp, types.intp
    )
)
def copy(
    builder: IRBuilder, target: Value, to: Value, source: Value, at: Value, count: Value
) -> None:
    """Copy count elements from source.flat[at] to target.flat[to], both of one dtype."""
    width = _size(target)
    size = builder.mul(count, ir.Constant(count.type, width))
    places = builder.gep(target, [to]), builder.gep(source, [at])
    cgutils.raw_memcpy(builder, *places, size, 1, align=width)
