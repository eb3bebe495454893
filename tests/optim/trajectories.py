"""Ten steps of each optimiser on one function of two parameters; torch's are frozen.

python -m tests.optim.trajectories    write tests/data/torch_optim.npz anew (needs torch)
"""

from pathlib import Path
from typing import Any

import numpy as np

from graphad._lazy import lazy_import

torch = lazy_import("torch")  # tests run without it

RECORD = Path(__file__).parent.parent / "data" / "torch_optim.npz"
STEPS = 10

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {"lr": 0.1}),
    "sgd decay": ("SGD", {"lr": 0.1, "weight_decay": 0.3}),
    "momentum": ("SGD", {"lr": 0.05, "momentum": 0.9}),
    "momentum dampening": ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}),
    "nesterov": ("SGD", {"lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": 0.01}),
    "adam": ("Adam", {"lr": 0.05}),
    "adam decay": ("Adam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.1}),
    "amsgrad": ("Adam", {"lr": 0.1, "amsgrad": True, "betas": (0.5, 0.6)}),
    "adamw": ("AdamW", {"lr": 0.05, "weight_decay": 0.2}),
    "adamw amsgrad": ("AdamW", {"lr": 0.05, "amsgrad": True}),
}


def starts() -> tuple[np.ndarray, np.ndarray]:
    """The two parameters' values before the first step."""
    return np.array([0.5, -1.5, 2.0]), np.array([[1.0, -0.3], [0.2, 3.0]])


def loss(np_like: Any, u: Any, v: Any) -> Any:
    """Not convex, so that gradients grow and shrink and Adam's maximum of variances matters."""
    return (u * u).sum() * 0.5 + np_like.sin(3 * u).sum() + (v * v * v * v).sum() * 0.1 + np_like.cos(v).sum() * u.sum()


def main() -> None:
    record = {}
    for name, (kind, settings) in CASES.items():
        u, v = (torch.from_numpy(a).requires_grad_() for a in starts())
        optimizer = getattr(torch.optim, kind)([u, v], **settings)
        trace = []
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss(torch, u, v).backward()
            optimizer.step()
            trace.append(np.concatenate([u.detach().numpy().ravel(), v.detach().numpy().ravel()]))
        record[name] = np.array(trace)
    np.savez_compressed(RECORD, torch_version=torch.__version__, **record)
    print(f"{RECORD}: {len(CASES)} trajectories, {RECORD.stat().st_size} bytes")


if __name__ == "__main__":
    main()
