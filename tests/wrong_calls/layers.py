"""Layers."""

import graphad as ga
from graphad import nn
from tests.wrong_calls import Row

ROWS: list[Row] = [
    ("nn.Linear(3.0, 2)", ga.ShapeError, "Linear(): in_features is an integer >= 1, got 3.0"),
    ("nn.Linear(True, 2)", ga.ShapeError, "Linear(): in_features is an integer >= 1, got True"),
    ("nn.Linear(0, 2)", ga.ShapeError, "Linear(): in_features is an integer >= 1, got 0"),
    ("nn.Linear(2**80, 2)", ga.ShapeError, "Linear(): in_features is an integer >= 1, got 1208925819614629174706176"),
    ("nn.Linear(3, 2, bias=None)", ga.GraphError, "Linear(): bias is True or False, got None"),
    (
        "nn.Linear(3, 2, initializer=0)",
        ga.GraphError,
        "Linear(): initializer is a function of (shape, generator), got 0",
    ),
    ("nn.Linear(3, 2, name=None)", ga.GraphError, "Linear(): name is a text, got None"),
    ("nn.Linear(3, 2, seed=-1)", ga.GraphError, "Linear(): seed is an integer >= 0, got -1"),
    ("nn.Linear(3, 2, seed=1.5)", ga.GraphError, "Linear(): seed is an integer >= 0, got 1.5"),
    (
        "nn.Linear(3, 2, initializer=lambda shape, generator: [1.0]).weight",
        ga.ShapeError,
        "the initializer of 'weight'(): answers [1], not [2, 3]",
    ),
    ("nn.Linear(3, 2)(None)", ga.GraphError, "linear(None): expected a tensor, an array or a number, got NoneType"),
    ("nn.Conv2d(2, 4, 2.5)", ga.ShapeError, "Conv2d(): kernel_size is an integer >= 1 or 2 of them, got 2.5"),
    (
        "nn.Conv2d(2, 3, 3, groups=2)",
        ga.ShapeError,
        "Conv2d(): 2 input and 3 output channels do not divide by 2 groups",
    ),
    ('nn.Conv2d(2, 4, 3, bias="yes")', ga.GraphError, "Conv2d(): bias is True or False, got 'yes'"),
    (
        'nn.Conv2d(2, 4, 3, padding="full")(IMAGE)',
        ga.ShapeError,
        "conv2d(float32[N,2,6,6]): padding is a number, pairs, 'same' or 'valid', got 'full'",
    ),
    (
        "nn.Conv2d(2, 4, 3, stride=0)(IMAGE)",
        ga.ShapeError,
        "conv2d(float32[N,2,6,6]): stride is an integer >= 1 or 2 of them, got 0",
    ),
    (
        "nn.Conv2d(2, 4, 3, stride=2**80)(IMAGE)",
        ga.ShapeError,
        "conv2d(float32[N,2,6,6]): stride is an integer >= 1 or 2 of them, got 1208925819614629174706176",
    ),
    (
        "nn.MaxPool2d(None)(IMAGE)",
        ga.ShapeError,
        "max_pool2d(float32[N,2,6,6]): kernel_size is an integer >= 1 or 2 of them, got None",
    ),
    (
        "nn.AvgPool2d(2, count_include_pad=None)",
        ga.GraphError,
        "AvgPool2d(): count_include_pad is True or False, got None",
    ),
    ('nn.Flatten("a")', ga.ShapeError, "Flatten(): start_dim is an integer, got 'a'"),
    ("nn.Flatten(5)(X)", ga.ShapeError, "flatten(float32[N,3]): there are no axes 5 to -1"),
    (
        "nn.Linear(2, 2).load_state_dict(None)",
        nn.StateError,
        "load_state_dict: expected a dict {name: array}, got NoneType; write what state_dict() answered;",
    ),
    (
        'nn.Linear(2, 2).load_state_dict({"weight": [[1.0], [2.0, 3.0]], "bias": [0.0, 0.0]})',
        nn.StateError,
        "load_state_dict: 'weight': setting an array element",
    ),
    (
        'nn.Linear(2, 2).load_state_dict({"weight": np.ma.ones((2, 2)), "bias": [0.0, 0.0]})',
        nn.StateError,
        "load_state_dict: 'weight': a mask would be lost; write .filled(value); nothing was loaded",
    ),
    (
        'nn.Linear(2, 2).load_state_dict({"weight": [["a", "b"]] * 2, "bias": [0.0, 0.0]})',
        nn.StateError,
        "load_state_dict: 'weight': dtype <U1 is not supported",
    ),
    (
        'nn.Linear(2, 2).load_state_dict({"weight": np.zeros((2, 2))})',
        nn.StateError,
        "load_state_dict: missing 'bias'; nothing was loaded",
    ),
    (
        "nn.summary(None, X)",
        ga.GraphError,
        "summary(): takes a layer and its input, got None and <input 'x': float32[N,3]>",
    ),
    ("nn.summary(nn.ReLU(), None)", ga.GraphError, "summary(): takes a layer and its input, got ReLU() and None"),
    ('nn.init.uniform("a", 1.0)', ga.GraphError, "init.uniform(): low is a finite number, got 'a'"),
    ("nn.init.uniform(1.0, 0.0)", ga.GraphError, "init.uniform(): high is in [1, inf), got 0.0"),
    ("nn.init.normal(0.0, -1.0)", ga.GraphError, "init.normal(): std is in [0, inf), got -1.0"),
    ("nn.init.constant([1.0])", ga.GraphError, "init.constant(): value is a finite number, got [1.0]"),
    ("nn.init.kaiming_uniform(None)", ga.GraphError, "init.kaiming_uniform(): a is a finite number, got None"),
    (
        'nn.init.kaiming_normal(0.0, "fan")',
        ga.GraphError,
        "init.kaiming_normal(): mode is one of 'fan_in', 'fan_out', got 'fan'",
    ),
    ("nn.init.xavier_uniform(NAN)", ga.GraphError, "init.xavier_uniform(): gain is in [0, inf), got nan"),
    ("F.conv2d(IMAGE, KERNEL, groups=1.5)", ga.ShapeError, "conv2d(): groups is an integer >= 1, got 1.5"),
    (
        "F.conv2d(IMAGE, KERNEL, padding=(1,))",
        ga.ShapeError,
        "conv2d(float32[N,2,6,6]): padding is an integer >= 0 or 2 of them, got (1,)",
    ),
    ("F.conv2d(IMAGE, None)", ga.GraphError, "conv2d(None): expected a tensor, an array or a number, got NoneType"),
    ("F.softmax(X, None)", ga.ShapeError, "softmax(float32[N,3]): an axis is an integer, got None"),
    ("F.softplus(X, beta=0)", ga.GraphError, "softplus(float32[N,3]): beta is above 0, got 0"),
    (
        "F.gelu(X, approximate=MASKED)",
        ga.GraphError,
        "gelu(): approximate is one of 'none', 'tanh', got an array of float64[2]",
    ),
    ('F.gelu(X, approximate="erf")', ga.GraphError, "gelu(): approximate is one of 'none', 'tanh', got 'erf'"),
    ("F.elu(X, alpha=None)", ga.GraphError, "elu(): alpha is a finite number, got None"),
    ('F.leaky_relu(X, "a")', ga.GraphError, "leaky_relu(): negative_slope is a finite number, got 'a'"),
    (
        "F.cross_entropy(X, LABELS, label_smoothing=2)",
        ga.GraphError,
        "cross_entropy(float32[N,3]): label_smoothing is in [0, 1], got 2",
    ),
    (
        "F.cross_entropy(X, LABELS, label_smoothing=None)",
        ga.GraphError,
        "cross_entropy(float32[N,3]): label_smoothing is in [0, 1], got None",
    ),
    (
        "F.cross_entropy(X, LABELS, reduction=None)",
        ga.GraphError,
        "cross_entropy(): reduction is 'mean', 'sum' or 'none', got None",
    ),
    (
        "F.cross_entropy(X, LABELS, ignore_index=1.5)",
        ga.GraphError,
        "cross_entropy(): ignore_index is an integer, got 1.5",
    ),
    ("F.mse_loss(X, V)", ga.ShapeError, "mse_loss(float32[N,3], float32[3]): target expects shape [N, 3], got [3]"),
    (
        "F.mse_loss(X, X, reduction=MASKED)",
        ga.GraphError,
        "mse_loss(): reduction is 'mean', 'sum' or 'none', got an array of float64[2]",
    ),
    ("F.multi_margin_loss(X, LABELS, p=3)", ga.GraphError, "multi_margin_loss(float32[N,3]): p is 1 or 2, got 3"),
]
