"""Leaves and values."""

import graphad as ga
from tests.wrong_calls import Row

ROWS: list[Row] = [
    (
        'ga.input("n", (2,), V)',
        ga.DTypeError,
        "dtype <input 'v': float32[3]> is not supported; write one of bool, int32, int64, float32, float64",
    ),
    ("ga.input(None, (2,))", ga.GraphError, "input(): the first argument is the input's name, got None"),
    ('ga.input("", (2,))', ga.GraphError, "input(): the first argument is the input's name, got ''"),
    ('ga.input("x", (-1,))', ga.ShapeError, "input 'x'(): a size is a number >= 0 or a name such as 'N', got -1"),
    ('ga.input("x", (2.5,))', ga.ShapeError, "input 'x'(): a size is a number >= 0 or a name such as 'N', got 2.5"),
    ('ga.input("x", (True,))', ga.ShapeError, "input 'x'(): a size is a number >= 0 or a name such as 'N', got True"),
    (
        'ga.input("x", (2**80,))',
        ga.ShapeError,
        "input 'x'(): a size is at most 9223372036854775807, got 1208925819614629174706176",
    ),
    (
        'ga.input("x", ("2 N +",))',
        ga.ShapeError,
        "input 'x'(): '2 N +' is no size: write a number, a name, or sums and products of these",
    ),
    ('ga.input("x", None)', ga.ShapeError, "input 'x'(): a size is a number >= 0 or a name such as 'N', got None"),
    (
        'ga.input("x", (2,), dtype="complex64")',
        ga.DTypeError,
        "input 'x'(): dtype complex64 is not supported; write one of bool, int32, int64, float32, float64",
    ),
    (
        'ga.input("x", (2,), dtype=5)',
        ga.DTypeError,
        "input 'x'(): dtype 5 is not supported; write one of bool, int32, int64, float32, float64",
    ),
    ("ga.parameter(3, [1.0])", ga.GraphError, "parameter(): the first argument is the parameter's name, got 3"),
    ('ga.parameter("", [1.0])', ga.GraphError, "parameter(): the first argument is the parameter's name, got ''"),
    ('ga.parameter("w", [[1.0, 2.0], [3.0]])', ga.ShapeError, "parameter 'w'(): setting an array element"),
    ('ga.parameter("w", MASKED)', ga.DTypeError, "parameter 'w'(): a mask would be lost; write .filled(value)"),
    (
        'ga.parameter("w", [MASKED, MASKED])',
        ga.DTypeError,
        "parameter 'w'(): a mask would be lost; write .filled(value)",
    ),
    (
        'ga.parameter("w", 1j)',
        ga.DTypeError,
        "parameter 'w'(): dtype complex128 is not supported; write",
    ),
    (
        'ga.parameter("w", None)',
        ga.DTypeError,
        "parameter 'w'(): it holds what is no number, or an integer that does not fit int64",
    ),
    ('ga.parameter("w", "one")', ga.DTypeError, "parameter 'w'(): dtype <U3 is not supported"),
    (
        'ga.parameter("w", X)',
        ga.GraphError,
        "parameter(float32[N,3]): the first value of 'w' is an array, not a tensor",
    ),
    ("ga.state(None, [1.0])", ga.GraphError, "state(): the first argument is the state's name, got None"),
    ('ga.state("s", MASKED)', ga.DTypeError, "state 's'(): a mask would be lost; write .filled(value)"),
    ("ga.constant(MASKED)", ga.DTypeError, "constant(): a mask would be lost; write .filled(value)"),
    ("ga.constant([1, [2, 3]])", ga.ShapeError, "constant(): setting an array element"),
    (
        "ga.constant(2**70)",
        ga.DTypeError,
        "constant(): it holds what is no number, or an integer that does not fit int64",
    ),
    (
        "ga.constant(1j)",
        ga.DTypeError,
        "constant(): dtype complex128 is not supported; write",
    ),
    (
        'ga.constant(1j, "float32")',
        ga.DTypeError,
        "constant(): dtype complex128 is not supported; write",
    ),
    (
        "ga.constant(object())",
        ga.DTypeError,
        "constant(): it holds what is no number, or an integer that does not fit int64",
    ),
    ('ga.constant("one", "float32")', ga.DTypeError, "constant(): dtype <U3 is not supported"),
    (
        'ga.constant(NAN, "int64")',
        ga.DTypeError,
        "constant(): nan does not fit int64 (-9223372036854775808 to 9223372036854775807)",
    ),
    ('ga.constant(1e30, "int32")', ga.DTypeError, "constant(): 1e+30 does not fit int32 (-2147483648 to 2147483647)"),
    ("ga.constant([X, X])", ga.GraphError, "constant(): a list with tensors in it is no array; write ga.stack([...])"),
    (
        'ga.constant([1.0], dtype="float16")',
        ga.DTypeError,
        "constant(): dtype float16 is not supported; write one of bool, int32, int64, float32, float64",
    ),
    (
        "set_value(MASKED)",
        ga.DTypeError,
        "<parameter 'p': float32[2]>: the new value: a mask would be lost; write .filled(value)",
    ),
    ("set_value([1.0])", ga.ShapeError, "<parameter 'p': float32[2]>: the new value has shape [1], expected [2]"),
    (
        "set_value([[1.0], [2.0, 3.0]])",
        ga.ShapeError,
        "<parameter 'p': float32[2]>: the new value: setting an array element",
    ),
    (
        "set_value([1j, 2j])",
        ga.DTypeError,
        "<parameter 'p': float32[2]>: the new value: dtype complex128 is not supported; write",
    ),
    ('set_value("ab")', ga.DTypeError, "<parameter 'p': float32[2]>: the new value: dtype <U2 is not supported"),
    (
        "set_value([1e300, 0.0])",
        ga.DTypeError,
        "<parameter 'p': float32[2]>: expected numbers of float32 (-3.403e+38 to 3.403e+38), got 1e+300;",
    ),
]
