"""Functions of a vector of floats that LLVM has no instruction for: exp, and what activations need of it.

Errors are below 2e-7 of the value (3e-7 for the activations), which is less than the rounding of what comes in.
"""

from __future__ import annotations

import math

from llvmlite import ir

from playground.kernels.code import FLOATS, INTS, Code, constant

_SERIES = [1 / math.factorial(power) for power in range(8)]
_LARGEST = 87.0


def exponential(code: Code, x: ir.Value) -> ir.Value:
    """exp(x), clamped to the range of float32: 2 to a whole power times the series of the rest."""
    x = code.call_intrinsic("llvm.minnum.v16f32", FLOATS, [x, constant(FLOATS, _LARGEST)])
    x = code.call_intrinsic("llvm.maxnum.v16f32", FLOATS, [x, constant(FLOATS, -_LARGEST)])
    power = code.call_intrinsic("llvm.rint.v16f32", FLOATS, [code.fmul(x, constant(FLOATS, 1 / math.log(2)))])
    # log(2) in two parts, the first with few bits, so that the rest is exact.
    rest = code.fused(power, constant(FLOATS, -0.693359375), x)
    rest = code.fused(power, constant(FLOATS, 2.12194440e-4), rest)
    result = constant(FLOATS, _SERIES[-1])
    for coefficient in reversed(_SERIES[:-1]):
        result = code.fused(result, rest, constant(FLOATS, coefficient))
    exponent = code.shl(code.add(code.fptosi(power, INTS), constant(INTS, 127)), constant(INTS, 23))
    return code.fmul(result, code.bitcast(exponent, FLOATS))


def silu(code: Code, x: ir.Value) -> ir.Value:
    """x / (1 + exp(-x))."""
    negative = code.fsub(constant(FLOATS, 0.0), x)
    return code.fdiv(x, code.fadd(constant(FLOATS, 1.0), exponential(code, negative)))


def gelu_tanh(code: Code, x: ir.Value) -> ir.Value:
    """0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), written as x / (1 + exp(-2 ...))."""
    cube = code.fmul(code.fmul(x, x), x)
    inner = code.fused(cube, constant(FLOATS, 0.044715), x)
    negative = code.fmul(inner, constant(FLOATS, -2 * math.sqrt(2 / math.pi)))
    return code.fdiv(x, code.fadd(constant(FLOATS, 1.0), exponential(code, negative)))


ACTIVATIONS = {"silu": silu, "gelu_pytorch_tanh": gelu_tanh}
