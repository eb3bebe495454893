"""Layers: names, starts, values in and out, and their place in the graph."""

from pathlib import Path

import numpy as np
import pytest

import graphad as ga
from graphad import nn
from graphad.compiler.ir.graph import topological


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        self.first = nn.Linear(width, width)
        self.more = [nn.Linear(width, width), nn.Linear(width, width, bias=False)]
        self.scale = ga.parameter("scale", np.float32(0.5))

    def forward(self, x: ga.Tensor) -> ga.Tensor:
        for layer in (self.first, *self.more):
            x = x + self.scale * layer(x)
        return x


def test_lenet_has_torchs_names_and_shapes() -> None:
    with np.load(Path(__file__).parent.parent / "data" / "lenet_torch_20_steps.npz") as record:
        expected = {n.removeprefix("start/"): record[n].shape for n in record if n.startswith("start/")}
    found = {name: value.shape for name, value in nn.models.lenet5().state_dict().items()}
    assert list(found.items()) == list(expected.items())


def test_a_module_of_the_users_own_names_what_is_in_it() -> None:
    names = ["block.scale", "block.first.weight", "block.first.bias", "block.more.0.weight", "block.more.0.bias"]
    outer = Residual(4)
    outer.name = "block"
    found = list(nn.Sequential(outer).named_parameters())
    assert found == [*names, "block.more.1.weight"]
    assert [p.name for p in outer.parameters()] == ["scale", *names[1:], "block.more.1.weight"]


def test_a_start_depends_on_seed_and_path_alone() -> None:
    """Other layers before it, another order of first use, and layers used before the whole: the same numbers."""
    plain = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2)).state_dict()
    longer = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2), nn.Linear(2, 2)).state_dict()
    early = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    early[1](ga.input("x", (1, 3)))
    for name, value in plain.items():
        np.testing.assert_array_equal(value, longer[name])
        np.testing.assert_array_equal(value, early.state_dict()[name])
    assert (plain["0.bias"][:2] != plain["1.bias"]).all()


def test_seeds_are_inherited_and_can_be_set() -> None:
    def starts(seed: int | None, inner: int | None = None) -> dict[str, np.ndarray]:
        return nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.Linear(3, 3, seed=inner)), seed=seed).state_dict()

    assert (starts(None)["0.weight"] == starts(0)["0.weight"]).all()
    assert (starts(0)["1.0.weight"] != starts(1)["1.0.weight"]).any()
    assert (starts(0, inner=5)["1.0.weight"] == starts(1, inner=5)["1.0.weight"]).all()


def test_a_start_is_the_same_on_every_machine() -> None:
    """NumPy promises the numbers of PCG64 and SeedSequence; the path's hash is SHA-256."""
    weight = nn.models.lenet5().state_dict()["0.weight"].ravel()[:3]
    np.testing.assert_array_equal(weight, np.array([-0.1739989, 0.1485613, 0.02470555], np.float32))


def test_plain_functions_are_layers() -> None:
    model = nn.Sequential(nn.Linear(4, 3, name="in"), ga.tanh, lambda x: 2 * x)
    x = ga.input("x", ("N", 4))
    y = model(x)
    value = np.ones((2, 4), np.float32)
    weight, bias = model.state_dict().values()
    np.testing.assert_allclose(ga.evaluate(y, {x: value}), 2 * np.tanh(value @ weight.T + bias), rtol=1e-6)
    assert y.label == "2"
    assert repr(model) == "Sequential(Linear(4, 3), tanh, <lambda>)"


def test_nodes_know_their_layer_and_outputs_their_name() -> None:
    model = nn.Sequential(nn.Sequential(nn.Linear(4, 4), nn.ReLU(), name="inner"), nn.Flatten(), nn.Softmax(1))
    x = ga.input("x", ("N", 4))
    nodes = topological([model(x)])
    layers = {n.site.layer for n in nodes} - {""}
    assert layers == {"inner.0", "inner.1", "2"}
    assert [n.label for n in nodes if n.label] == ["inner.0", "inner.1", "2"]
    assert x.label == ""


def test_a_gradient_belongs_to_its_layer() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
    loss = ga.sum(model(ga.input("x", ("N", 4))))
    layers = {n.site.layer for n in topological(ga.grad(loss, model.parameters()))}
    assert {"0", "1"} <= layers


def test_a_layer_in_two_models_keeps_its_values() -> None:
    shared = nn.Linear(3, 3)
    first = nn.Sequential(shared, nn.ReLU())
    weight = first.state_dict()["0.weight"]
    second = nn.Sequential(nn.ReLU(), shared)
    np.testing.assert_array_equal(second.state_dict()["1.weight"], weight)
    assert second.parameters() == first.parameters()
    x = ga.input("x", ("N", 3))
    assert second(x).site.layer == "1"


def test_tied_parameters_stand_once() -> None:
    shared = nn.Linear(3, 3)
    model = nn.Sequential(shared, nn.ReLU(), shared)
    assert list(model.state_dict()) == ["0.weight", "0.bias"]


def test_values_go_out_and_in() -> None:
    source, target = nn.models.mlp([3, 4, 2], seed=1), nn.models.mlp([3, 4, 2], seed=2)
    values = source.state_dict()
    values["0.bias"][:] = 7
    assert (source.state_dict()["0.bias"] != 7).all()  # copies
    target.load_state_dict(values)
    for name, value in target.state_dict().items():
        np.testing.assert_array_equal(value, values[name])


def test_nothing_is_loaded_unless_all_fits() -> None:
    model = nn.models.mlp([3, 4, 2])
    before = model.state_dict()
    values = {**before, "0.weight": np.zeros((2, 2)), "2.bias": np.zeros(2, np.complex64), "extra": np.zeros(1)}
    del values["0.bias"]
    with pytest.raises(nn.StateError) as caught:
        model.load_state_dict(values)
    assert str(caught.value) == (
        "load_state_dict: missing '0.bias'; unexpected 'extra'; '2.bias': dtype complex64 is not supported; "
        "write one of bool, int32, int64, float32, float64; '0.weight' has shape [2, 2], expected [4, 3]; "
        "nothing was loaded"
    )
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_a_number_that_becomes_infinite_is_not_loaded() -> None:
    layer = nn.Linear(1, 1)
    before = layer.state_dict()
    with pytest.raises(nn.StateError) as caught:
        layer.load_state_dict({"weight": [[2.0]], "bias": [1e300]})
    assert str(caught.value) == (
        "load_state_dict: 'bias': expected numbers of float32 (-3.403e+38 to 3.403e+38), got 1e+300; "
        "write smaller ones, or a float64 array where it is made; nothing was loaded"
    )
    assert layer.state_dict() == before


def test_what_is_no_dict_is_not_loaded() -> None:
    with pytest.raises(nn.StateError) as caught:
        nn.Linear(1, 1).load_state_dict([1])  # type: ignore[arg-type]
    assert str(caught.value) == (
        "load_state_dict: expected a dict {name: array}, got list; write what state_dict() answered; nothing was loaded"
    )


def test_what_sequential_refuses() -> None:
    with pytest.raises(ga.GraphError, match="layer 1 is no module and no function of a tensor: 3"):
        nn.Sequential(nn.ReLU(), 3)  # type: ignore[arg-type]
    with pytest.raises(ga.GraphError, match="two layers are named 'a'; each needs a name of its own"):
        nn.Sequential(nn.Linear(2, 2, name="a"), nn.Linear(2, 2, name="a"))
    with pytest.raises(ga.GraphError, match="Sequential has no layer 'b', only 0"):
        nn.Sequential(nn.ReLU())["b"]


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (nn.Conv1d(2, 3, 3), (1, 2, 8), (1, 3, 6)),
        (nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2), (1, 2, 8, 8), (1, 4, 4, 4)),
        (nn.Conv3d(2, 3, 3, padding="same", bias=False), (1, 2, 8, 8, 8), (1, 3, 8, 8, 8)),
        (nn.MaxPool1d(2), (1, 2, 8), (1, 2, 4)),
        (nn.MaxPool2d(3, 2, 1), (1, 2, 8, 8), (1, 2, 4, 4)),
        (nn.MaxPool3d(2), (1, 2, 8, 8, 8), (1, 2, 4, 4, 4)),
        (nn.AvgPool1d(2), (1, 2, 8), (1, 2, 4)),
        (nn.AvgPool2d(2, count_include_pad=False), (1, 2, 8, 8), (1, 2, 4, 4)),
        (nn.AvgPool3d(2), (1, 2, 8, 8, 8), (1, 2, 4, 4, 4)),
        (nn.Flatten(), (2, 3, 4), (2, 12)),
        (nn.Flatten(0, 1), (2, 3, 4), (6, 4)),
        (nn.Sigmoid(), (2, 3), (2, 3)),
        (nn.Softmax(1), (2, 3), (2, 3)),
    ],
    ids=repr,
)
def test_shapes(layer: nn.Module, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert layer(ga.input("x", shape)).shape == expected
