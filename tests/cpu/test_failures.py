"""What a user meets when a run, or the compiler itself, fails: the node, the line, and states that are as they were."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

import graphad as ga
from graphad import nn
from graphad.compiler import build
from graphad.compiler.lower.lower import Lowered

HERE = Path(__file__).name


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("guard", [False, True])
def test_a_step_that_fails_changes_no_state(threads: int, guard: bool) -> None:
    weight, count = ga.parameter("w", np.ones((3, 4), np.float32)), ga.state("c", np.zeros((), np.int64))
    x, t = ga.input("x", ("N", 3)), ga.input("t", ("N",), "int64")
    loss = nn.functional.cross_entropy(x @ weight, t)
    updates = {weight: weight - ga.grad(loss, weight), count: count + 1}
    step = ga.compile([x, t], loss, updates=updates, threads=threads, options=ga.Options(nan_guard=guard))
    images, labels = np.ones((5, 3), np.float32), np.array([0, 1, 2, 3, 3])
    step(images, labels)
    before = weight.value
    with pytest.raises(
        ga.IndexRangeError, match=rf"index or label 4 is out of range 0 to 3 \[.*{HERE}:{t.site.line + 1}"
    ):
        step(images, np.array([0, 1, 2, 3, 4]))
    if guard:
        images[1, 1] = np.nan
        with pytest.raises(ga.NanError, match=rf"in 'x', an argument or .* element 4 .*{HERE}:{x.site.line}"):
            step(images, labels)
    np.testing.assert_array_equal(weight.value, before)
    assert count.value == 1


def test_an_index_out_of_range_names_the_gather() -> None:
    x, i = ga.input("x", (5, 3)), ga.input("i", (2,), "int64")
    f = ga.compile([x, i], ga.take(x, i, axis=0))
    with pytest.raises(ga.IndexRangeError, match=rf"index 5 is out of range -5 to 4 \[.*{HERE}:{x.site.line + 1}\]"):
        f(np.zeros((5, 3), np.float32), np.array([0, 5]))
    f(np.zeros((5, 3), np.float32), np.array([-5, 4]))


def test_nan_guard_names_the_first_node_that_made_one() -> None:
    x = ga.input("x", (5, 3))
    y = ga.log(x)
    f = ga.compile([x], ga.sum(y * 2 - ga.sqrt(x)), options=ga.Options(nan_guard=True))
    values = np.ones((5, 3), np.float32)
    assert f(values) == -15
    values[2, 1] = -1
    with pytest.raises(ga.NanError, match=rf"made by log\(float32\[5,3\]\), at element 7 of .*{HERE}:{y.site.line}\]"):
        f(values)


def test_a_kernel_that_does_not_compile_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    module_text = build.module_text

    def broken(lowered: Lowered, sizes: Mapping[str, str]) -> str:
        return module_text(lowered, sizes).replace("math.sin(", "math.sinister(")

    monkeypatch.setattr(build, "module_text", broken)
    x = ga.input("x", ("N",))
    y = ga.sin(x)
    f = ga.compile([x], y)
    made = rf"kernel k0_map_sin, made for sin\(float32\[N\]\) \[.*{HERE}:{y.site.line}\]"
    with pytest.raises(ga.TargetError, match=made) as found:
        f([1.0])
    path = str(found.value).partition("its text is ")[2].partition(";")[0]
    assert "math.sinister" in Path(path).read_text()
    Path(path).unlink()
