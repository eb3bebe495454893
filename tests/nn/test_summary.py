"""A model's table."""

import graphad as ga
from graphad import nn


def test_lenets_table() -> None:
    rows = nn.summary(nn.models.lenet5(), ga.input("x", ("N", 1, 32, 32)))
    assert [(row.path, row.kind, str(row.output), row.parameters) for row in rows[:3]] == [
        ("0", "Conv2d", "float32[N,6,28,28]", 156),
        ("1", "ReLU", "float32[N,6,28,28]", 0),
        ("2", "MaxPool2d", "float32[N,6,14,14]", 0),
    ]
    assert sum(row.parameters for row in rows) == 61_706
    # a convolution: two flops for each of 25 taps of 6 * 28 * 28 outputs, and the bias
    assert rows[0].flops == 2 * 25 * 6 * 28 * 28 + 6 * 28 * 28
    assert rows[2].flops == 6 * 28 * 28
    assert [row.path for row in rows] == [str(i) for i in range(12)]


def test_functions_nested_models_and_layers_that_change_nothing() -> None:
    model = nn.Sequential(nn.Sequential(nn.Linear(4, 3), ga.tanh, name="a"), nn.Flatten(), nn.Linear(3, 2))
    rows = nn.summary(model, ga.input("x", (5, 4)))
    assert [(row.path, row.kind, row.flops) for row in rows] == [
        ("a.0", "Linear", 5 * (2 * 12 + 3)),
        ("a.1", "tanh", 15),
        ("1", "Flatten", 0),
        ("2", "Linear", 5 * (2 * 6 + 2)),
    ]
    assert str(rows[2].output) == "float32[5,3]"


def test_one_layer_alone() -> None:
    (row,) = nn.summary(nn.Linear(4, 3), 2 * ga.input("x", ("N", 4)))
    assert (row.path, row.kind, row.parameters, row.flops) == ("", "Linear", 15, 27)
