"""A transformer's encoder block."""

from typing import Any

import numpy as np

from graphad.leaves import input as placeholder
from graphad.leaves import parameter
from graphad.modes.graphs.nets import layer_norm
from graphad.modes.problem import Sample
from graphad.modes.registry import register
from graphad.nn.functional import softmax
from graphad.ops import einsum, relu, reshape
from graphad.tensor import Tensor


@register("TransformerBlock", source="Vaswani et al., Attention is all you need, 2017")
def transformer_block(tokens: int = 8, width: int = 16, heads: int = 2, hidden: int = 32) -> tuple[Tensor, Any, Sample]:
    """Encoder block: self-attention and a two-layer network, each with a shortcut and layer norm after it."""
    rng = np.random.default_rng(0)

    def weight(name: str, inner: int, outer: int) -> Tensor:
        return parameter(name, rng.normal(0, inner**-0.5, (inner, outer)).astype("float32"))

    def normed(name: str, y: Tensor) -> Tensor:
        one = np.ones(width, "float32")
        return layer_norm(y, parameter(f"{name}.gain", one), parameter(f"{name}.shift", 0 * one))

    x = placeholder("x", (tokens, width))
    query, key, value = (
        reshape(x @ weight(name, width, width), (tokens, heads, width // heads)) for name in ("query", "key", "value")
    )
    scores = einsum("ihc,jhc->hij", query, key) * (width // heads) ** -0.5
    mixed = reshape(einsum("hij,jhc->ihc", softmax(scores, -1), value), (tokens, width))
    attended = normed("norm1", x + mixed @ weight("out", width, width))
    inner = relu(attended @ weight("up", width, hidden))
    y = normed("norm2", attended + inner @ weight("down", hidden, width))
    return y, x, lambda draw: draw.normal(size=(tokens, width))
