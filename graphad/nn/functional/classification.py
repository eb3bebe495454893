"""Losses of class scores. Stable by construction: no softmax is formed and then its logarithm taken."""

from graphad.build import TensorLike, as_tensor, refuse
from graphad.checks import number_of, shown, whole
from graphad.compiler.errors import GraphError, ShapeError
from graphad.compiler.ir.dtypes import is_float
from graphad.nn.functional.activation import shifted
from graphad.nn.functional.targets import (
    Reduction,
    alike,
    check_reduction,
    class_weights,
    is_label,
    labels_for,
    pick,
    reduced,
    scores,
    spread_over,
)
from graphad.ops.arithmetic import relu, where
from graphad.ops.exponential import exp, log
from graphad.ops.reductions import sum as sum_
from graphad.tensor import Tensor


def cross_entropy(
    logits: TensorLike,
    labels: TensorLike,
    reduction: Reduction = "mean",
    weight: TensorLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
) -> Tensor:
    """``log(sum(exp(logits))) - logits[label]`` for each example, weighted by class and averaged, as in torch.

    Args:
        logits: float (N, C), (N, C, d1, ...) or (C,).
        labels: int32 or int64 of logits' shape without C, each in 0..C-1 (else the run stops); or class
            probabilities, floats of logits' own shape.
        weight: (C,), the weight w of each class; the mean then divides by the sum of the examples' weights.
        label_smoothing: e, so that the target is (1 - e) onehot + e / C.
        ignore_index: a label whose examples do not count.

    The gradient is softmax(logits) - onehot, as plain elementwise nodes.

    >>> from graphad import evaluate
    >>> evaluate(cross_entropy([[0.0, 1000.0]], [0]))
    array(1000., dtype=float32)
    """
    check_reduction("cross_entropy", reduction)
    x, axis, classes = scores("cross_entropy", logits)
    if not 0 <= number_of(label_smoothing) <= 1:
        refuse(GraphError, "cross_entropy", (x,), f"label_smoothing is in [0, 1], got {shown(label_smoothing)}")
    if ignore_index is not None:
        whole("cross_entropy", "ignore_index", ignore_index)
    row = None if weight is None else class_weights("cross_entropy", weight, x, axis)
    target = as_tensor(labels, "cross_entropy")
    low = shifted(x, axis)
    total = log(sum_(exp(low), axis))
    if is_float(target.dtype) and target.shape == x.shape:
        if ignore_index is not None:
            refuse(GraphError, "cross_entropy", (x, target), "ignore_index needs integer labels, got probabilities")
        return _of_probabilities(low, total, target, axis, classes, row, label_smoothing, reduction)
    target = labels_for("cross_entropy", x, axis, target)
    kept = None if ignore_index is None else target != ignore_index
    chosen = is_label(x, axis, target if kept is None else where(kept, target, 0))
    losses = total - pick(low, chosen, axis)
    own = None if row is None else pick(row, chosen, axis)
    losses = losses if own is None else losses * own
    if label_smoothing:
        spread = _smooth(low, total, axis, classes, row)
        losses = (1 - label_smoothing) * losses + label_smoothing * spread
    return _averaged(losses, own, kept, reduction)


def _smooth(low: Tensor, total: Tensor, axis: int, classes: int, row: Tensor | None) -> Tensor:
    """The loss against the uniform distribution: the mean over c of w_c (logsumexp - logits_c)."""
    each = spread_over(total, low, axis) - low
    return sum_(each if row is None else each * row, axis) / classes


def _of_probabilities(
    low: Tensor,
    total: Tensor,
    target: Tensor,
    axis: int,
    classes: int,
    row: Tensor | None,
    smoothing: float,
    reduction: Reduction,
) -> Tensor:
    """-sum over c of w_c p_c log softmax_c; the mean divides by the number of examples."""
    _, wanted = alike("cross_entropy", low, target)
    if smoothing:
        wanted = (1 - smoothing) * wanted + smoothing / classes
    each = wanted * (spread_over(total, low, axis) - low)
    return reduced(sum_(each if row is None else each * row, axis), reduction)


def _averaged(losses: Tensor, own: Tensor | None, kept: Tensor | None, reduction: Reduction) -> Tensor:
    """The losses reduced; examples that are not kept count neither above nor below the line."""
    if kept is not None:
        losses = where(kept, losses, 0)
        own = where(kept, 1.0 if own is None else own, 0).astype(losses.dtype)
    if own is None or reduction != "mean":
        return reduced(losses, reduction)
    return sum_(losses) / sum_(own)


def nll_loss(
    log_probabilities: TensorLike,
    labels: TensorLike,
    reduction: Reduction = "mean",
    weight: TensorLike | None = None,
    ignore_index: int | None = None,
) -> Tensor:
    """``-log_probabilities[label]`` for each example, weighted by class and averaged, as in torch.

    Prefer ``cross_entropy`` of the logits: one function, and exact where a probability is too small for a float.
    """
    check_reduction("nll_loss", reduction)
    x, axis, _ = scores("nll_loss", log_probabilities)
    target = labels_for("nll_loss", x, axis, labels)
    kept = None if ignore_index is None else target != ignore_index
    chosen = is_label(x, axis, target if kept is None else where(kept, target, 0))
    own = None if weight is None else pick(class_weights("nll_loss", weight, x, axis), chosen, axis)
    losses = -pick(x, chosen, axis)
    return _averaged(losses if own is None else losses * own, own, kept, reduction)


def multi_margin_loss(
    x: TensorLike,
    labels: TensorLike,
    p: int = 1,
    margin: float = 1.0,
    weight: TensorLike | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """The loss of a multi-class support vector machine (Crammer and Singer), as in torch:

        sum over c other than the label t of  w_t max(0, margin - x_t + x_c)^p / C

    Args:
        x: scores (N, C) or (C,).
        labels: int32 or int64, (N,) or ().
        p: 1, or 2 for the squared hinge.
    """
    check_reduction("multi_margin_loss", reduction)
    values, axis, classes = scores("multi_margin_loss", x)
    if values.ndim > 2:
        refuse(ShapeError, "multi_margin_loss", (values,), f"scores have shape (N, C) or (C,), got {values.ndim} axes")
    if number_of(p) not in (1, 2):
        refuse(GraphError, "multi_margin_loss", (values,), f"p is 1 or 2, got {shown(p)}")
    chosen = is_label(values, axis, labels_for("multi_margin_loss", values, axis, labels))
    own = spread_over(pick(values, chosen, axis), values, axis)
    short = where(chosen, 0, relu(margin - own + values))
    if p == 2:
        short = short * short
    losses = sum_(short, axis) / classes
    if weight is not None:
        losses = losses * pick(class_weights("multi_margin_loss", weight, values, axis), chosen, axis)
    return reduced(losses, reduction)
