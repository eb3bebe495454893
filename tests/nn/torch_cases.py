"""Cases: calls that both torch.nn.functional and graphad.nn.functional understand; torch's answers are frozen.

python -m tests.nn.torch_cases    write tests/data/torch_nn.npz anew (needs torch)
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from graphad._lazy import lazy_import

torch = lazy_import("torch")  # tests run without it

RECORD = Path(__file__).parent.parent / "data" / "torch_nn.npz"

Arrays = dict[str, np.ndarray]
Case = Callable[[Any, dict[str, Any]], Any]


def arrays() -> Arrays:
    """The operands; the first named by a case is the one it is differentiated by."""
    draw = np.random.default_rng(7)
    return {
        "line": draw.normal(size=(2, 4, 11)),
        "image": draw.normal(size=(2, 4, 9, 8)),
        "volume": draw.normal(size=(1, 2, 5, 6, 5)),
        "w1": draw.normal(size=(6, 4, 3)),
        "w2": draw.normal(size=(6, 4, 3, 2)),
        "w2g": draw.normal(size=(6, 2, 3, 3)),
        "w3": draw.normal(size=(3, 2, 2, 3, 2)),
        "b6": draw.normal(size=6),
        "x": draw.normal(size=(5, 7)) * 3,
        "map": draw.normal(size=(3, 4, 2)),
        "y": draw.normal(size=(5, 7)),
        "p": draw.dirichlet(np.ones(7), size=5),
        "soft": draw.random(size=(5, 7)),
        "w7": draw.random(7) + 0.5,
        "w4": draw.random(4) + 0.5,
        "t": draw.integers(0, 7, 5),
        "tmap": draw.integers(0, 4, (3, 2)),
        "wl": draw.normal(size=(3, 7)),
        "b3": draw.normal(size=3),
    }


CASES: dict[str, tuple[str, Case]] = {
    "conv1d": ("line", lambda f, a: f.conv1d(a["line"], a["w1"], a["b6"], stride=2, padding=1)),
    "conv1d same": ("line", lambda f, a: f.conv1d(a["line"], a["w1"], padding="same", dilation=2)),
    "conv2d": ("image", lambda f, a: f.conv2d(a["image"], a["w2"], a["b6"], (2, 1), (1, 0), (1, 2))),
    "conv2d same, even": ("image", lambda f, a: f.conv2d(a["image"], a["w2"], padding="same")),
    "conv2d groups": ("image", lambda f, a: f.conv2d(a["image"], a["w2g"], a["b6"], padding=1, groups=2)),
    "conv2d weight": ("w2g", lambda f, a: f.conv2d(a["image"], a["w2g"], stride=2, dilation=2, padding=2, groups=2)),
    "conv3d": ("volume", lambda f, a: f.conv3d(a["volume"], a["w3"], stride=(1, 2, 1), padding=(0, 1, 1))),
    "max_pool1d": ("line", lambda f, a: f.max_pool1d(a["line"], 3, 2, 1)),
    "max_pool2d": ("image", lambda f, a: f.max_pool2d(a["image"], (3, 2), (2, 1), (1, 0), (2, 1))),
    "max_pool3d": ("volume", lambda f, a: f.max_pool3d(a["volume"], 2)),
    "avg_pool1d": ("line", lambda f, a: f.avg_pool1d(a["line"], 3, 2, 1)),
    "avg_pool2d": ("image", lambda f, a: f.avg_pool2d(a["image"], 3, 2, 1, count_include_pad=False)),
    "avg_pool3d": ("volume", lambda f, a: f.avg_pool3d(a["volume"], 2, 1)),
    "softplus": ("x", lambda f, a: f.softplus(a["x"], beta=2.0)),
    "gelu": ("x", lambda f, a: f.gelu(a["x"])),
    "gelu tanh": ("x", lambda f, a: f.gelu(a["x"], approximate="tanh")),
    "silu": ("x", lambda f, a: f.silu(a["x"])),
    "elu": ("x", lambda f, a: f.elu(a["x"], alpha=0.7)),
    "leaky_relu": ("x", lambda f, a: f.leaky_relu(a["x"], 0.2)),
    "logsigmoid": ("x", lambda f, a: f.logsigmoid(a["x"])),
    "softmax": ("x", lambda f, a: f.softmax(a["x"], dim=1)),
    "softmax rows": ("x", lambda f, a: f.softmax(a["x"], dim=0)),
    "log_softmax": ("x", lambda f, a: f.log_softmax(a["x"], dim=1)),
    "linear": ("x", lambda f, a: f.linear(a["x"], a["wl"], a["b3"])),
    "cross_entropy": ("x", lambda f, a: f.cross_entropy(a["x"], a["t"])),
    "cross_entropy sum": ("x", lambda f, a: f.cross_entropy(a["x"], a["t"], reduction="sum")),
    "cross_entropy none": ("x", lambda f, a: f.cross_entropy(a["x"], a["t"], reduction="none")),
    "cross_entropy weight": ("x", lambda f, a: f.cross_entropy(a["x"], a["t"], weight=a["w7"])),
    "cross_entropy smooth": (
        "x",
        lambda f, a: f.cross_entropy(a["x"], a["t"], weight=a["w7"], label_smoothing=0.1, ignore_index=3),
    ),
    "cross_entropy smooth sum": (
        "x",
        lambda f, a: f.cross_entropy(a["x"], a["t"], label_smoothing=0.3, reduction="sum"),
    ),
    "cross_entropy map": ("map", lambda f, a: f.cross_entropy(a["map"], a["tmap"], weight=a["w4"])),
    "cross_entropy probabilities": (
        "x",
        lambda f, a: f.cross_entropy(a["x"], a["p"], weight=a["w7"], label_smoothing=0.1),
    ),
    "nll_loss": ("x", lambda f, a: f.nll_loss(a["x"], a["t"], weight=a["w7"], ignore_index=2)),
    "mse_loss": ("x", lambda f, a: f.mse_loss(a["x"], a["y"])),
    "l1_loss": ("x", lambda f, a: f.l1_loss(a["x"], a["y"], reduction="sum")),
    "bce": ("x", lambda f, a: f.binary_cross_entropy_with_logits(a["x"], a["soft"])),
    "bce weights": (
        "x",
        lambda f, a: f.binary_cross_entropy_with_logits(a["x"], a["soft"], weight=a["w7"], pos_weight=a["w7"]),
    ),
    "multi_margin_loss": ("x", lambda f, a: f.multi_margin_loss(a["x"], a["t"])),
    "multi_margin_loss squared": (
        "x",
        lambda f, a: f.multi_margin_loss(a["x"], a["t"], p=2, margin=0.5, weight=a["w7"], reduction="none"),
    ),
}


def ramp(shape: tuple[int, ...]) -> np.ndarray:
    """Weights that tell the elements of a result apart, for its cotangent."""
    return np.cos(np.arange(int(np.prod(shape)), dtype=np.float64)).reshape(shape)


def main() -> None:
    record: Arrays = {}
    for name, (first, call) in CASES.items():
        operands = {key: torch.from_numpy(np.array(value)) for key, value in arrays().items()}
        operands[first].requires_grad_()
        out = call(torch.nn.functional, operands)
        (out * torch.from_numpy(ramp(tuple(out.shape)))).sum().backward()
        record[f"{name}/value"] = out.detach().numpy()
        record[f"{name}/gradient"] = operands[first].grad.numpy()
    np.savez_compressed(RECORD, torch_version=torch.__version__, **record)
    print(f"{RECORD}: {len(CASES)} cases, {RECORD.stat().st_size} bytes")


if __name__ == "__main__":
    main()
