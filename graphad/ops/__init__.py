"""The ops: one record an op, grouped by family, and the Array API functions built of them."""

from graphad.ops import (
    advance,
    arithmetic,
    contraction,
    creation,
    exponential,
    hyperbolic,
    indexing,
    reductions,
    rules,
    shape,
    sizes,
    trigonometric,
)
from graphad.ops.arithmetic import *  # noqa: F403
from graphad.ops.contraction import *  # noqa: F403
from graphad.ops.creation import *  # noqa: F403
from graphad.ops.exponential import *  # noqa: F403
from graphad.ops.hyperbolic import *  # noqa: F403
from graphad.ops.indexing import *  # noqa: F403
from graphad.ops.reductions import *  # noqa: F403
from graphad.ops.shape import *  # noqa: F403
from graphad.ops.trigonometric import *  # noqa: F403

_ENTERED = (advance, rules, sizes)  # importing them hands them to the operators and to the compiler's passes

__all__ = sorted(
    arithmetic.__all__
    + contraction.__all__
    + creation.__all__
    + exponential.__all__
    + hyperbolic.__all__
    + indexing.__all__
    + reductions.__all__
    + shape.__all__
    + trigonometric.__all__
)
