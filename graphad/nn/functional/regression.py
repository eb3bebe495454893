"""Losses that compare element by element."""

from graphad.build import TensorLike, as_tensor
from graphad.nn.functional.targets import Reduction, alike, check_reduction, reduced
from graphad.ops.arithmetic import absolute, relu, where
from graphad.ops.hyperbolic import softplus
from graphad.tensor import Tensor


def mse_loss(x: TensorLike, target: TensorLike, reduction: Reduction = "mean") -> Tensor:
    """``(x - target)^2``; shapes and dtypes are equal.

    >>> from graphad import evaluate
    >>> evaluate(mse_loss([1.0, 2.0], [1.0, 4.0]))
    array(2., dtype=float32)
    """
    check_reduction("mse_loss", reduction)
    a, b = alike("mse_loss", x, target)
    difference = a - b
    return reduced(difference * difference, reduction)


def l1_loss(x: TensorLike, target: TensorLike, reduction: Reduction = "mean") -> Tensor:
    """``|x - target|``; the derivative at 0 is 0."""
    check_reduction("l1_loss", reduction)
    a, b = alike("l1_loss", x, target)
    return reduced(absolute(a - b), reduction)


def binary_cross_entropy_with_logits(
    x: TensorLike,
    target: TensorLike,
    weight: TensorLike | None = None,
    reduction: Reduction = "mean",
    pos_weight: TensorLike | None = None,
) -> Tensor:
    """``(1 - target) softplus(x) + target softplus(-x)``: the cross-entropy of sigmoid(x) with targets in [0, 1].

    ``weight`` multiplies each element's loss, ``pos_weight`` the part of the positive class, as in torch. Loss and
    gradient, sigmoid(x) - target, keep their digits for any x, also where a class is as good as certain.
    """
    name = "binary_cross_entropy_with_logits"
    check_reduction(name, reduction)
    a, t = alike(name, x, target)
    rest = softplus(where(a > 0, -a, a))  # softplus(x) = x + softplus(-x): the smaller one, so that nothing cancels
    if pos_weight is None:
        losses = where(a > 0, (1 - t) * a, -t * a) + rest
    else:
        positive = t * as_tensor(pos_weight, name).astype(a.dtype)
        losses = where(a > 0, (1 - t) * a, -positive * a) + (1 - t + positive) * rest
    if weight is not None:
        losses = losses * as_tensor(weight, name).astype(a.dtype)
    return reduced(losses, reduction)


def hinge_loss(x: TensorLike, target: TensorLike, reduction: Reduction = "mean") -> Tensor:
    """``max(0, 1 - x target)`` with targets -1 and 1: the loss of a two-class support vector machine."""
    check_reduction("hinge_loss", reduction)
    a, b = alike("hinge_loss", x, target)
    return reduced(relu(1 - a * b), reduction)
