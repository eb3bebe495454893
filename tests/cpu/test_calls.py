"""Calls: any batch without compiling anew, any number of threads with the same bits, arrays of any kind."""

import threading

import numpy as np
import pytest

import graphad as ga
from graphad import nn
from graphad.runtime import stats
from tests.cpu.oracle import same

F = nn.functional
RNG = np.random.default_rng(4)


def network() -> tuple[list[ga.Tensor], list[ga.Tensor]]:
    x, t = ga.input("x", ("N", 3, 8, 8)), ga.input("t", ("N",), "int64")
    w, u = ga.input("w", (5, 3, 3, 3)), ga.input("u", (80, 10))
    h = F.max_pool2d(F.relu(F.conv2d(x, w, padding=1)), 2)
    logits = ga.reshape(h, (-1, 80)) @ u
    loss = F.cross_entropy(logits, t)
    outputs = [
        loss,
        h,
        *ga.grad(loss, [w, u, x]),
        ga.sum(h, axis=0),
        ga.mean(x),
        F.softmax(logits, 1),
        ga.max(logits, axis=1),
    ]
    return [x, t, w, u], outputs


def arrays(n: int) -> list[np.ndarray]:
    shapes = ((n, 3, 8, 8), (5, 3, 3, 3), (80, 10))
    x, w, u = (RNG.normal(size=s).astype(np.float32) for s in shapes)
    return [x, RNG.integers(0, 10, size=n), w, u]


def test_any_batch_without_compiling_anew() -> None:
    inputs, outputs = network()
    f, reference = ga.compile(inputs, outputs, threads=2), ga.compile(inputs, outputs, target="numpy")
    for n in (33, 16, 7, 2):  # many examples, those of a register, of half a register, and few: a program each
        f(*arrays(n))
    made = stats.compiles + stats.cache_hits
    for n in (1, 7, 16, 33):
        args = arrays(n)
        same(f(*args), reference(*args), [str(i) for i in range(9)], rtol=2e-4, atol=1e-5)
    assert stats.compiles + stats.cache_hits == made


def test_an_empty_batch() -> None:
    x, w = ga.input("x", ("N", 6, 4), "float64"), ga.input("w", (24, 3), "float64")
    y = ga.reshape(x, (-1, 24)) @ w
    outputs = [y, ga.sum(ga.maximum(y, 0)), ga.sum(y, axis=0), ga.sum(x), ga.grad(ga.sum(y * y), w), ga.any(x > 0), y.T]
    args = [np.zeros((0, 6, 4)), np.ones((24, 3))]
    wanted = ga.compile([x, w], outputs, target="numpy")(*args)
    same(ga.compile([x, w], outputs, threads=2)(*args), wanted, [str(i) for i in range(7)])


def test_a_size_that_strides_depend_on_makes_a_program_of_its_own() -> None:
    x, y = ga.input("x", ("N", "M"), "float64"), ga.input("y", ("M", 3), "float64")
    outputs = [x @ y, ga.sum(x, axis=1), x]
    f, reference = ga.compile([x, y], outputs), ga.compile([x, y], outputs, target="numpy")
    made = []
    for n, m in ((3, 4), (5, 4), (5, 7), (0, 4), (3, 0)):
        args = RNG.normal(size=(n, m)), RNG.normal(size=(m, 3))
        same(f(*args), reference(*args), "pqr")
        made.append(stats.compiles + stats.cache_hits)
    assert made[0] == made[1]
    assert made[2] == made[3] == made[1] + 1


def test_any_number_of_threads_gives_the_same_bits() -> None:
    inputs, outputs = network()
    args = arrays(37)
    first, *others = ([a.tobytes() for a in ga.compile(inputs, outputs, threads=n)(*args)] for n in (1, 2, 3, 4))
    assert all(other == first for other in others)


def test_several_threads_may_call_one_function() -> None:
    inputs, outputs = network()
    f, args = ga.compile(inputs, outputs, threads=2), arrays(9)
    wanted = [a.tobytes() for a in f(*args)]
    alike: list[bool] = []

    def call() -> None:
        alike.extend([a.tobytes() for a in f(*args)] == wanted for _ in range(10))

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert alike == [True] * 40


def test_calls_with_updates_take_turns() -> None:
    count = ga.state("count", np.zeros(1000, np.int64))
    f = ga.compile([], ga.sum(count), updates={count: count + 1}, threads=2)
    callers = [threading.Thread(target=lambda: [f() for _ in range(50)]) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert set(count.value) == {200}


def test_out_may_be_an_argument() -> None:
    x = ga.input("x", (5,))
    f = ga.compile([x], [x[::-1] * 2, ga.sum(x)])
    value, total = np.arange(5, dtype=np.float32), np.zeros((), np.float32)
    f(value, out=[value, total])
    np.testing.assert_array_equal(value, [8, 6, 4, 2, 0])
    assert total == 10


@pytest.mark.parametrize(
    "value",
    [
        np.arange(10, dtype=np.float32)[::2],
        np.arange(10, dtype=np.float32)[8::-2],
        np.broadcast_to(np.float32(2), (5,)),
        np.frombuffer(np.arange(5, dtype=np.float32).tobytes(), np.float32),
        np.frombuffer(b"\0" + np.arange(5, dtype=np.float32).tobytes(), np.uint8)[1:].view(np.float32),
        [1, 2, 3, 4, 5],
    ],
    ids=["strided", "reversed", "broadcast", "read-only", "unaligned", "list"],
)
def test_arrays_of_any_layout(value: object) -> None:
    x = ga.input("x", (5,))
    np.testing.assert_array_equal(ga.compile([x], x * 2)(value), np.asarray(value, np.float32) * 2)
