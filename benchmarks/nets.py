"""The nets that are timed: layers, batch, and what is computed of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.layers import Array, Conv, Flatten, Layer, Linear, MaxPool, Mean, Pair, ReLU, Residual, Shape, walk
from benchmarks.layers import flops as flops_of
from benchmarks.layers import weights as weights_of

Kind: TypeAlias = Literal["train", "forward", "loss", "gradients"]


@dataclass(frozen=True)
class Net:
    """A net and what is timed of it.

    Attributes:
        shape: of one example, without the batch.
        kind: "train" (loss, gradients of all weights, their update by SGD), "forward" (the net's outputs), "loss",
            or "gradients" (the loss and its gradients, nothing updated).
        loss: "cross_entropy" of labels, or "square": the mean of (outputs - targets)^2.
        by_input: "gradients" has the input's, too.
        from_python: arrays of NumPy come in and go out, as in a call from a program that knows nothing of the library.
    """

    layers: tuple[Layer, ...]
    shape: Shape
    batch: int
    kind: Kind
    loss: Literal["cross_entropy", "square"] = "cross_entropy"
    rate: float = 0.01
    momentum: float = 0.0
    by_input: bool = False
    from_python: bool = False

    def weights(self) -> list[Pair]:
        """The weights and biases at the start."""
        return weights_of(self.layers, self.shape)

    def result(self) -> Shape:
        """The outputs' shape, with the batch."""
        return (self.batch, *[after for _, _, after in walk(self.layers, self.shape)][-1])

    def data(self) -> tuple[Array, NDArray[Any]]:
        """A batch float32 (batch, *shape) in [0, 1), with labels int64 (batch,) or targets of the result's shape.

        It cannot be learnt: each example comes twice, with two labels, or has a random target. Timing repeats the step
        on one batch thousands of times; were it learnt, gradients would become denormal numbers, on which processors
        are slow, and the figures would tell of that.
        """
        draw = np.random.default_rng(1)
        x = draw.random((self.batch, *self.shape), dtype=np.float32)
        if self.loss == "square":
            return x, draw.random(self.result(), dtype=np.float32)
        labels = draw.integers(0, 10, self.batch)
        x[1::2] = x[: self.batch // 2 * 2 : 2]
        labels[1::2] = (labels[: self.batch // 2 * 2 : 2] + 1) % 10
        return x, labels

    @property
    def flops(self) -> int:
        """Operations of a call in the layers with weights, by the direct method: a gradient costs what a value does."""
        each = flops_of(self.layers, self.shape)
        if self.kind in ("forward", "loss"):
            return self.batch * sum(each)
        return self.batch * (3 * sum(each) - (0 if self.by_input else each[0]))

    @property
    def bytes(self) -> int:
        """Bytes that a call cannot but move: batch and weights in, results out."""
        own = sum(w.size + b.size for w, b in self.weights())
        x, y = self.batch * math.prod(self.shape), math.prod(self.result())
        state = 4 if self.momentum else 2  # each weight is read and written, its momentum too
        match self.kind:
            case "train":
                return 4 * (x + state * own) + self._target_bytes()
            case "forward":
                return 4 * (x + own + y)
            case "loss":
                return 4 * (x + own) + self._target_bytes()
            case "gradients":
                return 4 * (x + 2 * own + (x if self.by_input else 0)) + self._target_bytes()

    def _target_bytes(self) -> int:
        return 8 * self.batch if self.loss == "cross_entropy" else 4 * math.prod(self.result())


LENET5 = (
    *(Conv(1, 6, 5), ReLU(), MaxPool(2), Conv(6, 16, 5), ReLU(), MaxPool(2), Flatten()),
    *(Linear(400, 120), ReLU(), Linear(120, 84), ReLU(), Linear(84, 10)),
)
MLP = (Linear(784, 512), ReLU(), Linear(512, 512), ReLU(), Linear(512, 10))
VGG_BLOCK = (Conv(64, 64, 3, padding=1), ReLU(), Conv(64, 64, 3, padding=1), ReLU(), MaxPool(2))
MOBILE_BLOCK = (Conv(64, 64, 3, padding=1, groups=64), ReLU(), Conv(64, 128, 1), ReLU())
BASIC_BLOCK = (Residual((Conv(64, 64, 3, padding=1), ReLU(), Conv(64, 64, 3, padding=1))), ReLU())
LATE_BLOCK = (Residual((Conv(512, 512, 3, padding=1), ReLU(), Conv(512, 512, 3, padding=1))), ReLU())
# Of MobileNetV2: wider, each channel by itself, narrower; with a stride, narrower by half.
INVERTED = (
    Residual((Conv(96, 576, 1), ReLU(), Conv(576, 576, 3, padding=1, groups=576), ReLU(), Conv(576, 96, 1))),
    *(Conv(96, 576, 1), ReLU(), Conv(576, 576, 3, stride=2, padding=1, groups=576), ReLU(), Conv(576, 160, 1)),
)
# The plainest net of Dai, Dai, Qu, Li and Das, Very deep convolutional neural networks for raw waveforms, 2016,
# with fewer channels and without normalisation.
WAVEFORM = (
    *(Conv(1, 32, 80, stride=4, axes=1), ReLU(), MaxPool(4), Conv(32, 32, 3, axes=1), ReLU(), MaxPool(4)),
    *(Conv(32, 64, 3, axes=1), ReLU(), MaxPool(4), Conv(64, 64, 3, axes=1), ReLU(), MaxPool(4)),
    *(Mean(), Linear(64, 10)),
)


def lenet(batch: int, kind: Kind, from_python: bool = False) -> Net:
    return Net(LENET5, (1, 32, 32), batch, kind, rate=0.05, momentum=0.9, from_python=from_python)


NETS: dict[str, Net] = {
    **{f"lenet-train-{n}": lenet(n, "train") for n in (32, 64, 256, 1024)},
    "lenet-infer": lenet(256, "forward"),
    "lenet-infer-1": lenet(1, "forward", from_python=True),
    "lenet-loss": lenet(64, "loss"),
    "lenet-gradient": lenet(64, "gradients"),
    "vgg-block-train": Net(VGG_BLOCK, (64, 32, 32), 16, "train", "square"),
    "vgg-block-forward": Net(VGG_BLOCK, (64, 32, 32), 16, "forward", "square"),
    "mlp-train": Net(MLP, (784,), 128, "train"),
    "alexnet-conv1": Net(
        (Conv(3, 64, 11, stride=4, padding=2),), (3, 224, 224), 8, "gradients", "square", by_input=True
    ),
    "mobile-block-train": Net(MOBILE_BLOCK, (64, 32, 32), 16, "train", "square"),
    "conv1d-train": Net(WAVEFORM, (1, 16_000), 16, "train"),
    "resnet-train": Net(BASIC_BLOCK * 2, (64, 32, 32), 16, "train", "square"),
    **{f"vgg-infer-{n}": Net(VGG_BLOCK, (64, 32, 32), n, "forward", "square") for n in (1, 17, 33, 37)},
    **{f"resnet-infer-{n}": Net(BASIC_BLOCK * 2, (64, 16, 16), n, "forward", "square") for n in (1, 2, 4)},
    **{f"late-infer-{n}": Net(LATE_BLOCK, (512, 4, 4), n, "forward", "square") for n in (1, 2, 4)},
    **{f"mobile-infer-{n}": Net(INVERTED, (96, 14, 14), n, "forward", "square") for n in (1, 4)},
    "mlp-infer": Net(MLP, (784,), 128, "forward"),
}
