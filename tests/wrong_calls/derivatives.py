"""Derivatives."""

import graphad as ga
from tests.wrong_calls import Row

ROWS: list[Row] = [
    ("ga.grad(X, X)", ga.ShapeError, "grad(float32[N,3]): takes a scalar; use ga.sum(y), ga.vjp or ga.jacobian"),
    ("ga.grad(LOSS, None)", ga.GraphError, "grad(): expected a tensor, or a list, tuple or dict of tensors, got None"),
    ("ga.grad(LOSS, [3])", ga.GraphError, "grad(): expected a tensor, or a list, tuple or dict of tensors, got 3"),
    (
        'ga.grad(LOSS, X, memory_limit="a")',
        ga.GraphError,
        "grad(): memory_limit is a number of bytes of at least 0, got 'a'",
    ),
    ("ga.jvp(V * V, V, None)", ga.GraphError, "jvp(None): expected a tensor, an array or a number, got NoneType"),
    (
        "ga.jvp(V * V, V, W)",
        ga.ShapeError,
        "jvp(float32[3], float32[3,2]): a direction has its tensor's shape [3], got [3, 2]",
    ),
    (
        "ga.vjp(V * V, V, [1.0])",
        ga.ShapeError,
        "vjp(float32[3], float32[1]): a direction has its tensor's shape [3], got [1]",
    ),
    ("ga.hvp(LOSS, X, None)", ga.GraphError, "hvp(None): expected a tensor, an array or a number, got NoneType"),
    (
        'ga.jacobian(V * V, V, mode="best")',
        ga.GraphError,
        "jacobian(): mode is one of 'auto', 'forward', 'reverse', 'chain', 'eliminate', 'sparse', or a plan;",
    ),
    (
        "ga.jacobian(V * V, V, mode=MASKED)",
        ga.GraphError,
        "jacobian(): mode is one of 'auto', 'forward', 'reverse', 'chain', 'eliminate', 'sparse', or a plan;",
    ),
    (
        'ga.jacobian(V * V, V, mode="eliminate", order=[[1]])',
        ga.GraphError,
        "jacobian(): an order is of tensors, got [1]",
    ),
    ("ga.hessian(LOSS, X, mode=3)", ga.GraphError, "hessian(): mode is one of 'auto', 'forward'"),
    (
        "ga.vectorize(V, None)",
        ga.GraphError,
        "vectorize(float32[3]): batched: expected a dict {tensor: its values}, got NoneType; write",
    ),
    ("ga.vectorize(V, {V: 3})", ga.ShapeError, "vectorize(float32[3], int64[]): expected shape (B, *[3])"),
    (
        "ga.custom_derivative(None, [V], len, len)",
        ga.GraphError,
        "custom_derivative(): the value is a tensor, got None",
    ),
    (
        "ga.custom_derivative(V, 3, len, len)",
        ga.GraphError,
        "custom_derivative(float32[3]): inputs are one or more tensors",
    ),
    (
        "ga.custom_derivative(V, [V], None, None)",
        ga.GraphError,
        "custom_derivative(float32[3]): give both rules, jvp and vjp",
    ),
    ("ga.check_grads(LOSS, None)", ga.GraphError, "check_grads(): values is a dict, {x: value}, got None"),
    (
        "ga.check_grads(ga.sum(V), {})",
        ga.GraphError,
        "check_grads(float32[]): values has no float input, so there is nothing to check",
    ),
    (
        "ga.check_grads(ga.sum(V), {V: [1.0] * 3}, order=2.5)",
        ga.GraphError,
        "check_grads(): order is an integer from 1 to 8, got 2.5",
    ),
    (
        "ga.check_grads(ga.sum(V), {V: [1.0] * 3}, modes=3)",
        ga.GraphError,
        "check_grads(): modes is a list of 'forward' and 'reverse', got 3",
    ),
    (
        'ga.check_grads(ga.sum(V), {V: [1.0] * 3}, rtol="a")',
        ga.GraphError,
        "check_grads(): rtol is in [0, inf), got 'a'",
    ),
    (
        "sparse.colour_columns(np.eye(3))",
        ga.GraphError,
        "colour_columns(): a pattern is a sparse matrix, got an array of float64[3, 3]; write",
    ),
    (
        "sparse.colour_rows(None)",
        ga.GraphError,
        "colour_rows(): a pattern is a sparse matrix, got None; write scipy.sparse.csr_array",
    ),
    (
        'sparse.colour_star("a")',
        ga.GraphError,
        "colour_star(): a pattern is a sparse matrix, got 'a'; write scipy.sparse.csr_array",
    ),
    (
        'sparse.sparse_jacobian(V * V, V, plan="a")',
        ga.GraphError,
        "sparse_jacobian(float32[3], float32[3]): the plan is another's; make one by compress_jacobian(y, x)",
    ),
    (
        "sparse.compress_jacobian(V * V, V, method=MASKED)",
        ga.GraphError,
        "compress_jacobian(): method is one of 'auto', 'columns', 'rows', 'bidirectional', got an array of",
    ),
    (
        "sparse.compress_jacobian(V * V, V, tangent_cost=-1)",
        ga.GraphError,
        "compress_jacobian(): the cost of a sweep is a number above 0, got -1",
    ),
    (
        "sparse.SparseTensor(None, None)",
        ga.GraphError,
        "SparseTensor(): takes a tensor of values and a scipy.sparse.csr_array, got NoneType and NoneType",
    ),
    (
        "recompute.plan(ga.sum(V), V, method=3)",
        ga.GraphError,
        "plan(float32[]): method is one of auto, store, revolve, chain, greedy, got 3",
    ),
    ("recompute.revolve(None, 2)", ga.GraphError, "recompute.revolve(): steps is an integer >= 1, got None"),
    ("recompute.revolve(2.5, 2)", ga.GraphError, "recompute.revolve(): steps is an integer >= 1, got 2.5"),
    ("recompute.extra_steps(3, 0)", ga.GraphError, "recompute.extra_steps(): snapshots is an integer >= 1, got 0"),
    ("recompute.checkpoint(None, 3)", ga.GraphError, "recompute.Chain(): stages is a list of Stage, got None"),
    (
        'recompute.checkpoint([recompute.Stage(1, 1, 1)], "a")',
        ga.GraphError,
        "recompute.checkpoint(): memory is an integer >= 0, got 'a'",
    ),
    (
        "recompute.replay([3], 1)",
        ga.GraphError,
        "recompute.replay: an action is Snapshot, Restore, Advance, Tape or Turn, got 3",
    ),
]
