"""Where the time goes, without leaving a trace."""

from typing import Any

import numpy as np
import pytest

import graphad as ga


def test_a_training_step_is_profiled_without_training(lenet: Any) -> None:
    step, model = lenet.step, lenet.model
    step(lenet.images, lenet.labels)
    before = model.state_dict()
    states = {leaf: v.value for leaf, v in step.variables.items()}
    found = step.profile(lenet.images, lenet.labels, repeats=3)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    for leaf, value in states.items():
        np.testing.assert_array_equal(step.variables[leaf].value, value)
    assert sum(row.share for row in found.rows) == pytest.approx(1)
    assert sum(row.seconds for row in found.layers) == pytest.approx(found.seconds)
    conv = max(found.rows, key=lambda row: row.flops_per_second * row.seconds)  # the most operations, however timed
    assert conv.layer
    assert "conftest.py:" in conv.lines
    assert all("conftest.py:" in row.lines for row in found.rows if row.layer)


def test_it_prints_as_a_table(lenet: Any) -> None:
    found = lenet.step.profile(lenet.images, t=lenet.labels, repeats=2)
    lines = str(found).splitlines()
    assert lines[0].endswith(f"{len(found.rows)} kernels")
    assert lines[1].split() == ["kernel", "time", "share", "flop/s", "layer", "lines"]
    assert len(lines) == len(found.rows) + 2
    assert repr(found) == str(found)
    by_layer = found.by_layer().splitlines()
    assert by_layer[1].split() == ["layer", "time", "share", "flop/s"]
    assert {line.split()[0] for line in by_layer[2:]} >= {"0", "3", "7", "9", "11"}


def test_errors(dense: ga.Function) -> None:
    x = np.ones((2, 4), np.float32)
    with pytest.raises(ga.GraphError, match="repeats is an integer from 1 to 1000000, got 0"):
        dense.profile(x, repeats=0)
    with pytest.raises(ga.GraphError, match="'x' is missing"):
        dense.profile()
    f = ga.compile([y := ga.input("y", ("N",))], y + 1, target="numpy")
    with pytest.raises(ga.TargetError, match="target 'numpy' has no kernels; compile for 'cpu'"):
        f.profile([1.0])
