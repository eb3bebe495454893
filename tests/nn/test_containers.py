"""Layers, parameters and states in lists, tuples and dicts at any depth are found, once each, under torch's names."""

import subprocess
import sys
from collections import OrderedDict, deque
from typing import Any

import pytest

import graphad as ga
from graphad import nn, optim


class Holder(nn.Module):
    def __init__(self, **parts: Any) -> None:
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x: Any) -> Any:
        return x


def small() -> nn.Linear:
    return nn.Linear(2, 2, bias=False)


def test_layers_in_any_container_have_torchs_names() -> None:
    model = Holder(
        plain=small(),
        several=[small(), (small(), [small()])],
        table={"up": small(), 3: [small()]},
        queue=deque([small()]),
        ordered=OrderedDict(one=Holder(inner={"deep": [[small()]]})),
    )
    assert list(model.state_dict()) == [
        "plain.weight",
        "several.0.weight",
        "several.1.0.weight",
        "several.1.1.0.weight",
        "table.up.weight",
        "table.3.0.weight",
        "queue.0.weight",
        "ordered.one.inner.deep.0.0.weight",
    ]
    starts = [leaf.value.tobytes() for leaf in model.parameters()]
    assert len(set(starts)) == len(starts)
    assert [leaf.name for leaf in model.parameters()] == list(model.named_parameters())


def test_leaves_in_any_container_have_torchs_names() -> None:
    leaves = [ga.parameter(f"p{i}", float(i)) for i in range(3)]
    model = Holder(scales=[leaves[0], {"b": leaves[1]}], table={"c": (leaves[2],)}, seen=[ga.state("s", 0)])
    assert list(model.named_parameters().items()) == list(
        zip(["scales.0", "scales.1.b", "table.c.0"], leaves, strict=True)
    )
    assert list(model.named_states()) == ["seen.0"]
    assert list(model.state_dict()) == ["scales.0", "scales.1.b", "table.c.0", "seen.0"]


def test_every_layer_in_a_container_is_trained() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.blocks = {"a": [small(), small()], "b": small()}
            self.gains = [ga.parameter("gain", 1.0)]

        def forward(self, x: ga.Tensor) -> Any:
            for layer in (*self.blocks["a"], self.blocks["b"]):
                x = layer(x) * self.gains[0]
            return x

    model, x = Net(), ga.input("x", ("N", 2))
    loss = ga.mean(model(x) ** 2)
    before = model.state_dict()
    assert set(model.parameters()) == set(ga.parameters(loss))
    step = ga.compile(x, loss, updates=optim.SGD(lr=0.1).minimize(loss, model.parameters()), target="numpy")
    step([[1.0, 2.0]])
    assert all((value != before[name]).any() for name, value in model.state_dict().items())


def test_a_layer_in_two_places_stands_once_and_trains_once() -> None:
    shared = small()
    blocks = [shared, shared]
    model = Holder(a=blocks, b={"again": blocks}, c=shared)
    assert list(model.state_dict()) == ["a.0.weight"]


def test_circles_are_walked_once() -> None:
    parent, child = Holder(layer=small()), Holder(layer=small())
    ring: list[Any] = [child]
    ring.append(ring)
    parent.ring, child.parent = ring, parent
    parent.itself = parent
    assert list(parent.state_dict()) == ["layer.weight", "ring.0.layer.weight"]
    assert list(child.state_dict()) == ["layer.weight", "parent.layer.weight"]
    assert [path for path, _ in parent.layers()] == ["layer", "ring.0.layer"]


def test_depth_has_no_limit() -> None:
    deep: Any = small()
    for _ in range(1200):
        deep = [deep]
    model: nn.Module = Holder(deep=deep)
    assert list(model.state_dict()) == [f"deep{'.0' * 1200}.weight"]
    for _ in range(1200):
        model = Holder(m=model)
    assert len(model.parameters()) == 1
    assert len(list(model.layers())) == 1


def test_layers_that_come_later_are_found() -> None:
    model = Holder(blocks=[])
    model(ga.input("x", (2,)))
    model.blocks.append(small())
    assert list(model.state_dict()) == ["blocks.0.weight"]
    model.blocks.append(Holder(table={}))
    model.blocks[1].table["late"] = small()
    assert list(model.blocks[1].state_dict()) == ["table.late.weight"]
    assert list(model.named_parameters()) == ["blocks.0.weight", "blocks.1.table.late.weight"]


def test_a_sequential_has_what_it_is_given_as_attributes_too() -> None:
    model = nn.Sequential(small(), nn.ReLU())
    model.head = [small()]  # type: ignore[attr-defined]
    assert list(model.state_dict()) == ["head.0.weight", "0.weight"]


def test_a_set_has_no_order_and_is_refused() -> None:
    with pytest.raises(ga.GraphError, match="'layers' is a set, which has no order; write a list") as caught:
        Holder(layers={small()})
    assert f"[{__file__}:" in str(caught.value)


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(ga.GraphError, match=r"two things are named 't\.a\.0'; rename a key"):
        Holder(t={"a.0": small(), "a": [small()]})


def test_unnamed_layers_start_apart() -> None:
    several = [nn.Linear(8, 8) for _ in range(4)] + [nn.Conv1d(8, 8, 1)]
    starts = {leaf.value.tobytes() for layer in several for leaf in layer.parameters()}
    assert len(starts) == 10


def test_the_order_of_creation_counts_not_that_of_use() -> None:
    """And only layers with parameters count."""

    def starts(order: str, between: str) -> dict[str, str]:
        show = "".join(f"print({name!r}, {name}.weight.value.tolist())\n" for name in order)
        script = f"from graphad import nn\na = nn.Linear(3, 3){between}\nb = nn.Linear(3, 3)\n{show}"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        return dict(line.split(" ", 1) for line in done.stdout.splitlines())  # type: ignore[arg-type]

    found = starts("ab", "")
    assert found == starts("ba", "; nn.ReLU()")
    assert found["a"] != found["b"]


def test_a_name_or_a_seed_makes_a_start_that_can_be_had_again() -> None:
    def start(**settings: Any) -> bytes:
        return nn.Linear(3, 3, **settings).weight.value.tobytes()

    assert start(name="a") == start(name="a") != start(name="b")
    assert start(seed=1) == start(seed=1) != start(seed=2)
    assert start() != start()
