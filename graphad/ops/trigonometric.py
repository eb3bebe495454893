"""Trigonometric and hyperbolic functions and their inverses."""

import numpy as np

from graphad.compiler.ir import scalar as s
from graphad.ops.exponential import sqrt
from graphad.ops.record import ANYWHERE, POSITIVE, UNIT, Elementwise, elementwise

sin = elementwise(
    "sin", scalar=lambda x: s.apply("sin", x), reference=np.sin, partials=lambda x, y: (cos(x),), domain=[ANYWHERE]
)
cos: Elementwise = elementwise(
    "cos", scalar=lambda x: s.apply("cos", x), reference=np.cos, partials=lambda x, y: (-sin(x),), domain=[ANYWHERE]
)
tan = elementwise(
    "tan", scalar=lambda x: s.apply("tan", x), reference=np.tan, partials=lambda x, y: (1 + y * y,), domain=[UNIT]
)
asin = elementwise(
    "asin",
    scalar=lambda x: s.apply("asin", x),
    reference=np.arcsin,
    partials=lambda x, y: (1 / sqrt((1 - x) * (1 + x)),),
    domain=[UNIT],
)
acos = elementwise(
    "acos",
    scalar=lambda x: s.apply("acos", x),
    reference=np.arccos,
    partials=lambda x, y: (-1 / sqrt((1 - x) * (1 + x)),),
    domain=[UNIT],
)
atan = elementwise(
    "atan",
    scalar=lambda x: s.apply("atan", x),
    reference=np.arctan,
    partials=lambda x, y: (1 / (1 + x * x),),
    domain=[ANYWHERE],
)
atan2 = elementwise(
    "atan2",
    scalar=lambda y, x: s.apply("atan2", y, x),
    reference=np.arctan2,
    partials=lambda y, x, z: (x / (x * x + y * y), -y / (x * x + y * y)),
    domain=[ANYWHERE, POSITIVE],
)
hypot = elementwise(
    "hypot",
    scalar=lambda x, y: s.apply("hypot", x, y),
    reference=np.hypot,
    partials=lambda x, y, z: (x / z, y / z),
    domain=[ANYWHERE, POSITIVE],
    commutative=True,
)
sinh = elementwise(
    "sinh",
    scalar=lambda x: s.apply("sinh", x),
    reference=np.sinh,
    partials=lambda x, y: (cosh(x),),
    domain=[ANYWHERE],
)
cosh: Elementwise = elementwise(
    "cosh",
    scalar=lambda x: s.apply("cosh", x),
    reference=np.cosh,
    partials=lambda x, y: (sinh(x),),
    domain=[ANYWHERE],
)
tanh = elementwise(
    "tanh",
    scalar=lambda x: s.apply("tanh", x),
    reference=np.tanh,
    partials=lambda x, y: ((1 - y) * (1 + y),),
    domain=[ANYWHERE],
)
asinh = elementwise(
    "asinh",
    scalar=lambda x: s.apply("asinh", x),
    reference=np.arcsinh,
    partials=lambda x, y: (1 / hypot(x, 1.0),),
    domain=[ANYWHERE],
)
acosh = elementwise(
    "acosh",
    scalar=lambda x: s.apply("acosh", x),
    reference=np.arccosh,
    partials=lambda x, y: (1 / sqrt((x - 1) * (x + 1)),),
    domain=[(1.2, 4.0)],
)
atanh = elementwise(
    "atanh",
    scalar=lambda x: s.apply("atanh", x),
    reference=np.arctanh,
    partials=lambda x, y: (1 / ((1 - x) * (1 + x)),),
    domain=[UNIT],
)

__all__ = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cos",
    "cosh",
    "hypot",
    "sin",
    "sinh",
    "tan",
    "tanh",
]
