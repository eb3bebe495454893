"""Identities between ops, handed to the compiler's passes, which know kinds but not what an op means.

Three groups: ``simplify`` keeps every number (within an ulp or two) also for NaN, infinities and -0.0; ``stabilise``
keeps them wherever nothing overflowed or cancelled; ``fast_math`` is true of real numbers only.
"""

import math
from typing import Any, Final

from graphad.compiler.ir.dtypes import is_float
from graphad.compiler.ir.pattern import Apply, Match, Rule, Value, Var, declare
from graphad.compiler.passes.exponentials.terms import Algebra, declare_algebra
from graphad.ops.arithmetic import (
    add,
    divide,
    isfinite,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    multiply,
    negative,
    reciprocal,
    square,
    subtract,
    where,
)
from graphad.ops.exponential import exp, expm1, log, log1p, power, sqrt
from graphad.ops.hyperbolic import logaddexp, sigmoid, softplus
from graphad.ops.reductions import max as max_
from graphad.ops.reductions import sum as sum_

X: Final = Var("x")
Y: Final = Var("y")
Z: Final = Var("z")


def _is_float(m: Match) -> bool:
    return is_float(m.root.type.dtype)


def _has_exact_reciprocal(c: Any) -> bool:
    """A power of two whose reciprocal is a normal number in either float dtype."""
    mantissa, exponent = math.frexp(float(c)) if math.isfinite(c) else (0.0, 0)
    return abs(mantissa) == 0.5 and -120 < exponent < 120


declare(
    "simplify",
    (
        Rule("--x = x", Apply(negative, Apply(negative, X)), lambda m: m["x"], "flips the sign bit twice"),
        Rule("~~x = x", Apply(logical_not, Apply(logical_not, X)), lambda m: m["x"], "of two values"),
        Rule("x & x = x", Apply(logical_and, X, X), lambda m: m["x"], "of two values"),
        Rule("x | x = x", Apply(logical_or, X, X), lambda m: m["x"], "of two values"),
        Rule("max(x, x) = x", Apply(maximum, X, X), lambda m: m["x"], "NaN is the greatest of NaN and NaN"),
        Rule("min(x, x) = x", Apply(minimum, X, X), lambda m: m["x"], "as max"),
        Rule("where(c, x, x) = x", Apply(where, Var("c"), X, X), lambda m: m["x"], "a choice hands the element on"),
        Rule(
            "x + (-y) = x - y",
            Apply(add, X, Apply(negative, Y)),
            lambda m: m.apply(subtract, m["x"], m["y"]),
            "subtraction is defined so",
        ),
        Rule(
            "x - (-y) = x + y",
            Apply(subtract, X, Apply(negative, Y)),
            lambda m: m.apply(add, m["x"], m["y"]),
            "subtraction is defined so",
        ),
        Rule(
            "x * -1 = -x",
            Apply(multiply, X, Value(-1)),
            lambda m: m.apply(negative, m["x"]),
            "the product is exact, its sign the sign flipped",
        ),
        Rule(
            "(-x) * (-y) = x * y",
            Apply(multiply, Apply(negative, X), Apply(negative, Y)),
            lambda m: m.apply(multiply, m["x"], m["y"]),
            "signs do not change rounding",
        ),
        Rule(
            "(-x) * y = -(x * y)",
            Apply(multiply, Apply(negative, X), Y),
            lambda m: m.apply(negative, m.apply(multiply, m["x"], m["y"])),
            "signs do not change rounding; outside, the sign becomes a subtraction, and the product may be shared",
        ),
        Rule(
            "(-x) / y = -(x / y)",
            Apply(divide, Apply(negative, X), Y),
            lambda m: m.apply(negative, m.apply(divide, m["x"], m["y"])),
            "as for products",
        ),
        Rule(
            "x / 2^k = x * 2^-k",
            Apply(divide, X, Value(_has_exact_reciprocal, "c")),
            lambda m: m.apply(multiply, m["x"], m.full(1 / m.value("c"))),
            "both round the same real number, also where it is subnormal; no other divisor has an exact reciprocal",
            _is_float,
        ),
        Rule("x^0 = 1", Apply(power, X, Value(0)), lambda m: m.full(1), "IEEE: also for NaN and infinities"),
        Rule("x^2 = x*x", Apply(power, X, Value(2)), lambda m: m.apply(square, m["x"]), "pow is within an ulp of it"),
        Rule(
            "x^-1 = 1/x",
            Apply(power, X, Value(-1)),
            lambda m: m.apply(reciprocal, m["x"]),
            "pow is within an ulp of it; both give infinities of x's sign at zeros",
            _is_float,
        ),
    ),
)

declare(
    "stabilise",
    (
        Rule(
            "log(1 + x) = log1p(x)",
            Apply(log, Apply(add, X, Value(1))),
            lambda m: m.apply(log1p, m["x"]),
            "1 + x loses the digits of a small x; both are -inf at -1, NaN below, inf at inf",
        ),
        Rule(
            "exp(x) - 1 = expm1(x)",
            Apply(subtract, Apply(exp, X), Value(1)),
            lambda m: m.apply(expm1, m["x"]),
            "cancels for small x; both are -1 at -inf, inf at inf",
        ),
        Rule(
            "exp(x) + (-1) = expm1(x)",
            Apply(add, Apply(exp, X), Value(-1)),
            lambda m: m.apply(expm1, m["x"]),
            "as above",
        ),
        Rule(
            "1 - exp(x) = -expm1(x)",
            Apply(subtract, Value(1), Apply(exp, X)),
            lambda m: m.apply(negative, m.apply(expm1, m["x"])),
            "as above; at x = 0 the zero's sign changes",
        ),
        Rule(
            "log1p(exp(x)) = softplus(x)",
            Apply(log1p, Apply(exp, X)),
            lambda m: m.apply(softplus, m["x"]),
            "exp overflows at 89 in float32; softplus is x there, inf at inf, 0 at -inf",
        ),
        Rule(
            "log(sigmoid(x)) = -softplus(-x)",
            Apply(log, Apply(sigmoid, X)),
            lambda m: m.apply(negative, m.apply(softplus, m.apply(negative, m["x"]))),
            "sigmoid is 0 below -104 in float32; the answer is x there, -inf at -inf",
        ),
        Rule(
            "log(exp(x) + exp(y)) = logaddexp(x, y)",
            Apply(log, Apply(add, Apply(exp, X), Apply(exp, Y))),
            lambda m: m.apply(logaddexp, m["x"], m["y"]),
            "exp overflows; logaddexp answers infinities by themselves",
        ),
        Rule("log(exp(x)) = x", Apply(log, Apply(exp, X)), lambda m: m["x"], "exp overflows and underflows"),
    ),
)

declare(
    "fast_math",
    (
        Rule("x * 0 = 0", Apply(multiply, X, Value(0)), lambda m: m.full(0), "NaN for x infinite or NaN"),
        Rule("x + 0 = x", Apply(add, X, Value(0)), lambda m: m["x"], "-0.0 + 0.0 is 0.0"),
        Rule("x - x = 0", Apply(subtract, X, X), lambda m: m.full(0), "NaN for x infinite or NaN"),
        Rule("x / x = 1", Apply(divide, X, X), lambda m: m.full(1), "NaN for x zero, infinite or NaN"),
        Rule("0 / x = 0", Apply(divide, Value(0), X), lambda m: m.full(0), "NaN for x zero or NaN"),
        Rule(
            "a*b + a*c = a*(b + c)",
            Apply(add, Apply(multiply, X, Y), Apply(multiply, X, Z)),
            lambda m: m.apply(multiply, m["x"], m.apply(add, m["y"], m["z"])),
            "rounds otherwise",
        ),
        Rule(
            "(x * c) * d = x * (c*d)",
            Apply(multiply, Apply(multiply, X, Value(lambda c: True, "c")), Value(lambda d: True, "d")),
            lambda m: m.apply(multiply, m["x"], m.apply(multiply, m["c"], m["d"])),
            "rounds otherwise",
        ),
        Rule(
            "x / c = x * (1/c)",
            Apply(divide, X, Value(lambda c: c != 0, "c")),
            lambda m: m.apply(multiply, m["x"], m.full(1 / m.value("c"))),
            "rounds twice",
            _is_float,
        ),
        Rule(
            "(1/x) * y = y / x",
            Apply(multiply, Apply(divide, Value(1), X), Y),
            lambda m: m.apply(divide, m["y"], m["x"]),
            "rounds once; 1/x may overflow",
        ),
        Rule("x^(1/2) = sqrt(x)", Apply(power, X, Value(0.5)), lambda m: m.apply(sqrt, m["x"]), "differ at -inf, -0.0"),
        Rule("exp(log(x)) = x", Apply(exp, Apply(log, X)), lambda m: m["x"], "NaN for x < 0"),
    ),
)

declare_algebra(
    Algebra(
        exp=exp,
        log=log,
        add=add,
        subtract=subtract,
        multiply=multiply,
        divide=divide,
        negative=negative,
        where=where,
        isfinite=isfinite,
        sum=sum_,
        max=max_,
    )
)
