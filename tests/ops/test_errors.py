"""Every mistake is refused where it is written: the op, the operand types, what to write instead, the file and line."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad.numpy_protocol import HINTS
from graphad.sites import layer

S, D, G = ga.ShapeError, ga.DTypeError, ga.GraphError

MISTAKES: list[tuple[Callable[[Any, Any], Any], type[ga.GraphadError], str]] = [
    (lambda x, i: x + x[:, :2], S,
     r"add(float32[N,3], float32[N,2]): shapes [N,3] and [N,2] do not broadcast: axis -1 is 2 and 3"),
    (lambda x, i: x + ga.ones((4, 3)), S, "axis -2 is 4 and N; a symbolic size is never 1"),
    (lambda x, i: ga.sum(x, axis=2), S, "sum(float32[N,3]): axis 2 does not exist in 2 dimensions (-2 to 1)"),
    (lambda x, i: ga.sum(x, axis=1.0), S, "an axis is an integer, got 1.0"),
    (lambda x, i: ga.sum(x, axis=(0, -2)), S, "an axis is named twice in [0, -2]"),
    (lambda x, i: ga.flip(ga.sum(x), 0), S, "flip(float32[]): axis 0 does not exist: a scalar has no axes"),
    (lambda x, i: ga.cumulative_sum(x), S, "name the axis unless there is just one"),
    (lambda x, i: x.reshape(-1, 4), S, "reshape(float32[N,3]): 3*N elements do not divide by 4"),
    (lambda x, i: x.reshape(-1, -1), S, "only one size may be -1, got [-1, -1]"),
    (lambda x, i: x.reshape(5, 3), S, "3*N elements do not fill [5,3], which has 15"),
    (lambda x, i: x.reshape(2.5), S, "a size is a number >= 0 or a name such as 'N', got 2.5"),
    (lambda x, i: ga.permute_dims(x, (0, 0)), S, "axes [0, 0] are no order of all 2 axes"),
    (lambda x, i: ga.broadcast_to(x, (3, 2)), S, "broadcast_to(float32[N,3]): [N,3] does not broadcast to [3, 2]"),
    (lambda x, i: ga.expand_dims(x, 4), S, "axis 4 does not fit a result of 3 dimensions"),
    (lambda x, i: ga.squeeze(x, 1), S, "axis 1 has size 3, not 1"),
    (lambda x, i: ga.pad(x, (1, -1)), S, "pad_width is a number, a pair or 2 pairs of numbers >= 0, got (1, -1)"),
    (lambda x, i: ga.pad(x, "edge"), S, "pad_width is a number"),
    (lambda x, i: ga.pad(i, 1, 0.5), D, "int64 cannot hold the fill value 0.5"),
    (lambda x, i: ga.concat([]), S, "concat(): needs at least one operand"),
    (lambda x, i: ga.stack([]), S, "stack(): needs at least one operand"),
    (lambda x, i: ga.concat([x, x[:, :2]]), S, "sizes differ elsewhere than in axis 0: [N,3] and [N,2]"),
    (lambda x, i: ga.stack([x, x[:, :2]]), S, "stack(float32[N,3], float32[N,2]): takes operands of one shape, got"),
    (lambda x, i: ga.unstack(x), S, "axis 0 has the symbolic size N"),
    (lambda x, i: ga.matrix_transpose(x[0]), S, "takes at least two dimensions"),
    (lambda x, i: ga.tril(x[0]), S, "tril(float32[3]): takes at least two dimensions"),
    (lambda x, i: x @ x, S,
     "axis -1 of the left operand has 3 elements, axis -2 of the right N; right.T?"),
    (lambda x, i: ga.matmul(x, 2.0), S, "takes no scalars; multiply with *"),
    (lambda x, i: ga.outer(x, x), S, "outer(float32[N,3], float32[N,3]): takes two vectors"),
    (lambda x, i: ga.tensordot(x, x, 3), S, "axes is at most 2, got 3"),
    (lambda x, i: ga.tensordot(x, x, ([0], [1])), S, "axis 0 has N elements, axis 1 3"),
    (lambda x, i: ga.tensordot(x, x, ([0, 1], [1])), S, "axes pair each axis with one other, got [0, 1] and [1]"),
    (lambda x, i: ga.einsum("ij,jk", x), S, "'ij,jk' names 2 operands, got 1"),
    (lambda x, i: ga.einsum("ijk->k", x), S, "'ijk' does not name the 2 axes of float32[N,3]"),
    (lambda x, i: ga.einsum("i1->i", x), S, "subscripts are letters and ..., got 'i1'"),
    (lambda x, i: ga.einsum("ij->ik", x), S, "the result names a letter twice or one that no operand has"),
    (lambda x, i: ga.einsum("...j->j", x), S, "the result has no ... for the 1 axes it stands for"),
    (lambda x, i: ga.einsum("ij,ij", x, x[:, :2]), S, "'j' is 3 in one operand and 2 in another"),
    (lambda x, i: ga.einsum("ii", x), S, "axes of one letter are equal: 'ii' for [N,3]"),
    (lambda x, i: x[:, 3], S, "getitem(float32[N,3]): index 3 is out of range for axis 1 of size 3"),
    (lambda x, i: x[:, [0, -4]], S, "index -4 is out of range for axis 1 of size 3"),
    (lambda x, i: x[0, 0, 0], S, "3 indices for 2 dimensions"),
    (lambda x, i: x[..., ...], S, "only one ... is possible"),
    (lambda x, i: x[::0], S, "a slice's step is a number other than 0, got 0"),
    (lambda x, i: x[i:], D, "a slice's bound is an integer or a size, got <input 'i': int64[N]>; ga.take a tensor"),
    (lambda x, i: x[x > 0], D,
     "indices are int32 or int64, got bool; the shape that a mask leaves is not known now: use where"),
    (lambda x, i: x[x], D, "indices are int32 or int64, got float32"),
    (lambda x, i: x["a"], D, "an index is an integer, a slice, None, ... or integers, got 'a'"),
    (lambda x, i: ga.take_along_axis(x, i, 0), S, "indices have as many axes as x, 2, got 1"),
    (lambda x, i: ga.take_along_axis(x, ga.zeros((1, 2), "int64"), 0), S, "axis 1 is 3 in x and 2 in the indices"),
    (lambda x, i: ga.one_hot(x, 3), D, "one_hot(float32[N,3]): indices are int32 or int64, got float32"),
    (lambda x, i: ga.exp(i), D, "exp(int64[N]): takes float32 or float64, got int64; write ga.astype(x, 'float32')"),
    (lambda x, i: ga.exp(x, x), G, "exp(): takes 1 operands, got 2"),
    (lambda x, i: ga.exp("a"), G, "expected a tensor, an array or a number, got str"),
    (lambda x, i: ga.exp([x, x]), G, "a list with tensors in it is no array; write ga.stack([...])"),
    (lambda x, i: ga.constant([[1], [1, 2]]), S, "constant(): setting an array element"),
    (lambda x, i: ga.constant("a"), D, "is not supported; write one of bool, int32, int64, float32, float64"),
    (lambda x, i: ga.input("y", (-1,)), S, "input 'y'(): a size is a number >= 0 or a name such as 'N', got -1"),
    (lambda x, i: ga.input("y", ("N+",)), S, "'N+' is no size"),
    (lambda x, i: ga.input("", ()), G, "the first argument is the input's name, got ''"),
    (lambda x, i: ga.parameter("w", x), G, "the first value of 'w' is an array, not a tensor"),
    (lambda x, i: ga.parameter("w", [1j]), D, "parameter 'w'(): dtype complex128 is not supported"),
    (lambda x, i: ga.evaluate(x), G, "evaluate(float32[N,3]): needs a value for input 'x'"),
    (lambda x, i: ga.evaluate(2.0), G, "expected a tensor, or a list, tuple or dict of tensors, got 2.0"),
    (lambda x, i: ga.grad(x, x), S, "grad(float32[N,3]): takes a scalar; use ga.sum(y), ga.vjp or ga.jacobian"),
    (lambda x, i: ga.grad(ga.sum(x), i), D,
     "<input 'i': int64[N]> is int64: derivatives exist for float32 and float64 only"),
    (lambda x, i: ga.grad(ga.sum(i), x), D, "grad(int64[]): int64 has no derivative"),
    (lambda x, i: ga.grad(ga.sum(ga.ones(3)), x), G, "does not depend on <input 'x': float32[N,3]>"),
    (lambda x, i: ga.grad(ga.sum(ga.argmax(x, 1).astype("float32")), x), D, "only through <argmax: int64[N]>"),
    (lambda x, i: ga.grad(ga.mean((x > 0).astype("float32")), x), D, "only through <greater: bool[N,3]>"),
    (lambda x, i: ga.grad(ga.sum(x), 2.0), G, "expected a tensor, or a list, tuple or dict of tensors, got 2.0"),
    (lambda x, i: ga.grad(2.0, x), G, "the first argument is a scalar tensor"),
    (lambda x, i: ga.jvp(x, x, ga.ones(3)), S, "a direction has its tensor's shape [N, 3], got [3]"),
    (lambda x, i: ga.vjp(x, [x], ga.ones((2, 3))), S, "a direction has its tensor's shape [N, 3], got [2, 3]"),
    (lambda x, i: ga.jvp(x, [x, x], [x]), G, "directions are a list, one for each of 2"),
    (lambda x, i: ga.jvp(x, {"a": x}, {"b": x}), G, "directions are a dict with the keys ['a']"),
    (lambda x, i: ga.jacobian(x, x, mode="backward"), G,
     "mode is one of 'auto', 'forward', 'reverse', 'chain', 'eliminate', 'sparse', or a plan; got 'backward'"),
]  # fmt: skip


@pytest.mark.parametrize(("mistake", "error", "text"), MISTAKES, ids=[t for _, _, t in MISTAKES])
def test_a_mistake_is_refused_on_its_line(mistake: Any, error: type[Exception], text: str) -> None:
    x, i = ga.input("x", ("N", 3)), ga.input("i", ("N",), "int64")
    with pytest.raises(error) as caught:
        mistake(x, i)
    assert text in str(caught.value)
    assert str(caught.value).endswith(f"[{__file__}:{mistake.__code__.co_firstlineno}]")


PYTHON: list[tuple[Callable[[Any], Any], type[ga.GraphadError], str]] = [
    (bool, G, "a tensor has no truth value while the graph is written (<input 'x': float32[N,3]>)"),
    (float, G, "a tensor has no number yet (<input 'x': float32[N,3]>); use ga.evaluate or a compiled function"),
    (int, G, "a tensor has no number yet"),
    (lambda x: [1, 2][x], G, "a tensor has no number yet"),
    (lambda x: 0 if x > 1 else 1, G, "choose between values with ga.where(condition, a, b), combine conditions with"),
    (lambda x: 0 < x < 1, G, "no truth value"),
    (
        lambda x: x.__setitem__(0, 1),
        G,
        "a tensor does not change (<input 'x': float32[N,3]>); "
        "write ga.where(condition, new, old), or ga.concat of the parts old and new",
    ),
    (
        lambda x: x.__delitem__(0),
        G,
        "a tensor does not change (<input 'x': float32[N,3]>); write ga.concat of the parts that stay",
    ),
    (len, S, "float32[N,3] has no first axis of known size to count or walk"),
    (list, S, "has no first axis of known size"),
    (lambda x: x[None].T, S, ".T takes a matrix, got float32[1,N,3]; use permute_dims or matrix_transpose"),
]


@pytest.mark.parametrize(("mistake", "error", "text"), PYTHON, ids=[t for _, _, t in PYTHON])
def test_what_python_asks_of_numbers(mistake: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=re.escape(text) + r".* \[.*test_errors\.py:\d+\]$"):
        mistake(ga.input("x", ("N", 3)))


def test_the_layer_is_named() -> None:
    x = ga.input("x", ("N", 3))
    with layer("conv1"), pytest.raises(S, match=r"^sum in layer 'conv1'\(float32\[N,3\]\): axis 5"):
        ga.sum(x, axis=5)


def test_what_is_only_known_in_the_run_names_op_and_line() -> None:
    x, i = ga.input("x", (3,)), ga.input("i", (2,), "int64")
    with pytest.raises(
        ga.GraphadError,
        match=r"gather\(float32\[3\], int64\[2\]\): index 7 is out of range -3 to 2 .*test_errors.py:\d+\]",
    ):
        ga.evaluate(x[i], {x: np.zeros(3, "float32"), i: [7, -4]})


def test_values_of_parameters() -> None:
    w = ga.parameter("w", np.zeros((2, 3)))
    with pytest.raises(S, match=r"the new value has shape \[3\], expected \[2, 3\]"):
        w.value = np.zeros(3)
    with pytest.raises(D, match=r"the new value: dtype complex128 is not supported"):
        w.value = np.zeros((2, 3), complex)
    with pytest.raises(S, match=r"<parameter 'w': float64\[2,3\]>: the new value: setting an array"):
        w.value = [[1.0], [1.0, 2.0]]


@pytest.mark.parametrize(
    ("start", "value", "text"),
    [
        (np.zeros(2, "float32"), [1.0, -1e300],
         "<parameter 'w': float32[2]>: expected numbers of float32 (-3.403e+38 to 3.403e+38), got -1e+300; "
         "write smaller ones, or a float64 array where it is made"),
        (np.zeros((), "int32"), 2**40,
         "<parameter 'w': int32[]>: expected numbers of int32 (-2147483648 to 2147483647), got 1099511627776; "
         "write smaller ones, or an int64 array where it is made"),
        (np.zeros((), "int64"), np.uint64(2**63),
         "expected numbers of int64 (-9223372036854775808 to 9223372036854775807), got 9223372036854775808; "
         "write smaller ones ["),
    ],
)  # fmt: skip
def test_a_number_that_the_dtype_lacks_is_refused(start: Any, value: Any, text: str) -> None:
    w = ga.parameter("w", start)
    with pytest.raises(D) as caught:
        w.value = value
    assert text in str(caught.value)
    assert f"[{__file__}:" in str(caught.value)
    assert not w.value.any()


def test_infinity_itself_and_numbers_that_round_are_values() -> None:
    w = ga.parameter("w", np.zeros(4, "float32"))
    w.value = np.array([np.inf, -np.inf, np.nan, 1e-300])
    np.testing.assert_array_equal(w.value, np.array([np.inf, -np.inf, np.nan, 0], "float32"))


NUMPY: list[tuple[Callable[[Any], Any], str]] = [
    (lambda x: np.tile(x, 2), "np.tile(float32[4,3]): NumPy's function is not known for tensors; "
     "write ga.concat([x, x]), or ga.broadcast_to ["),
    (lambda x: np.sort(x), "np.sort(float32[4,3]): NumPy's function is not known for tensors; "
     "write it with graphad's own functions, or keep the call to NumPy arrays ["),
    (lambda x: np.repeat(x, 2), "write ga.take(x, places, axis), or ga.broadcast_to and ga.reshape ["),
    (lambda x: np.split(x, 2), "write slices, x[:k] and x[k:] ["),
    (lambda x: np.diff(x), "write x[1:] - x[:-1] ["),
    (lambda x: np.linalg.norm(x), "np.linalg.norm(float32[4,3]): NumPy's function is not known for tensors; "
     "write ga.sqrt(ga.sum(x * x)) ["),
    (lambda x: np.fft.fft(x), "np.fft.fft(float32[4,3]): "),
    (lambda x: np.add.reduce(x), "np.add.reduce(float32[4,3]): not possible on tensors; write ga.sum ["),
    (lambda x: np.maximum.reduce(x), "np.maximum.reduce(float32[4,3]): not possible on tensors; write ga.max ["),
    (lambda x: np.hypot.outer(x[0], x[0]), "not possible on tensors; write np.hypot(x[:, None], y) ["),
    (lambda x: np.add.at(x, [0], 1), "not possible on tensors; write it with graphad's own functions ["),
]  # fmt: skip


@pytest.mark.parametrize(("call", "text"), NUMPY, ids=[t for _, t in NUMPY])
def test_what_to_write_for_numpys_functions(call: Any, text: str) -> None:
    with pytest.raises(G) as caught:
        call(ga.input("x", (4, 3)))
    assert text in str(caught.value)


@pytest.mark.parametrize("hint", sorted({f for h in HINTS.values() for f in re.findall(r"ga\.(\w+)", h)}))
def test_a_hint_names_what_there_is(hint: str) -> None:
    assert hint in ga.__all__


def test_divmod_is_quotient_and_remainder() -> None:
    a = np.array([-5.0, 3.0, 7.5])
    x = ga.input("x", (3,), "float64")
    pairs = [
        (divmod(x, 2), divmod(a, 2)),
        (divmod(2, x), divmod(2, a)),
        (divmod(a, x), divmod(a, a)),
        (np.divmod(x, a), divmod(a, a)),
    ]
    for found, expected in pairs:
        np.testing.assert_array_equal(ga.evaluate(list(found), {x: a}), expected)
