"""Neural networks: a perceptron's loss, LeNet-5's sensitivities."""

from typing import Any

import numpy as np

from graphad.build import constant
from graphad.leaves import input as placeholder
from graphad.modes.problem import Sample
from graphad.modes.registry import register
from graphad.nn.functional import cross_entropy
from graphad.nn.models import lenet5
from graphad.ops import mean, reshape, rsqrt, tanh
from graphad.tensor import Tensor

EPSILON = 1e-5  # below the variance in layer norm


def layer_norm(x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    """(x - mean) / standard deviation along the last axis, then gain and shift (Ba, Kiros and Hinton, 2016)."""
    centred = x - mean(x, axis=-1, keepdims=True)
    return gain * centred * rsqrt(mean(centred**2, axis=-1, keepdims=True) + EPSILON) + shift


@register("Perceptron", source="as in arXiv 2406.05027: two layers, layer norm, cross-entropy")
def perceptron(inputs: int = 16, hidden: int = 32, classes: int = 10, batch: int = 8) -> tuple[Tensor, Any, Sample]:
    """Gradient of a two-layer perceptron's loss by all its weights, with layer norm and cross-entropy."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(batch, inputs)).astype("float32")
    labels = rng.integers(classes, size=batch)
    shapes = {
        "w1": (inputs, hidden), "b1": (hidden,), "gain": (hidden,), "shift": (hidden,),
        "w2": (hidden, classes), "b2": (classes,),
    }  # fmt: skip
    weights = [placeholder(name, shape) for name, shape in shapes.items()]
    w1, b1, gain, shift, w2, b2 = weights
    logits = tanh(layer_norm(constant(images) @ w1 + b1, gain, shift)) @ w2 + b2
    return cross_entropy(logits, labels), weights, lambda draw: [draw.normal(0, 0.5, s) for s in shapes.values()]


@register("LeNet5", source="LeCun, Bottou, Bengio and Haffner, Proc. IEEE 86, 1998")
def lenet() -> tuple[Tensor, Any, Sample]:
    """Sensitivity of LeNet-5's ten logits to the 1024 pixels of an image."""
    x = placeholder("x", (1, 32, 32))
    logits = lenet5()(reshape(x, (1, 1, 32, 32)))
    return reshape(logits, (10,)), x, lambda rng: rng.normal(size=(1, 32, 32))
