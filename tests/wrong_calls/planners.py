"""Planners."""

import graphad as ga
from tests.wrong_calls import Row

ROWS: list[Row] = [
    ("chain.Factor(2.5, 2)", ga.ShapeError, "chain.Factor: rows must be a whole number, got 2.5"),
    ("chain.Factor(-1, 2)", ga.ShapeError, "chain.Factor: rows must be at least 0, got -1"),
    ("chain.solve([])", ga.GraphError, "chain.solve: the chain is empty; it needs at least one chain.Factor"),
    ("chain.solve(NUMPY_5)", ga.GraphError, "chain.solve: expected a list of chain.Factor, got array(5)"),
    ('elimination.solve(NUMPY_5, ["a"], ["c"])', ga.GraphError, "edges are pairs (from, to) of labels, got array(5)"),
    ("chain.solve([3])", ga.GraphError, "chain.solve: factor 1 is no chain.Factor but 3"),
    ("chain.solve([chain.Factor(2, 2)], threads=0)", ga.GraphError, "chain.solve: threads must be at least 1, got 0"),
    (
        "chain.solve([chain.Factor(2, 2)], threads=1.5)",
        ga.GraphError,
        "chain.solve: threads must be a whole number, got 1.5",
    ),
    (
        'chain.solve([chain.Factor(2, 2)], memory_limit="a")',
        ga.GraphError,
        "chain.solve: memory_limit must be a whole number, got 'a'",
    ),
    (
        "chain.solve([chain.Factor(2, 2)], matrix_free=MASKED)",
        ga.GraphError,
        "chain.solve(): matrix_free is True or False, got an array of float64[2]",
    ),
    ("chain.steps(None)", ga.GraphError, "chain.steps: takes a bracketing, such as solve(...).bracketing, got None"),
    ('elimination.solve(None, ["a"], ["c"])', ga.GraphError, "edges are pairs (from, to) of labels, got None"),
    (
        'elimination.solve([("a", "b")], None, ["b"])',
        ga.GraphError,
        "inputs is a list of labels, got None; write [None]",
    ),
    ('elimination.solve([("a", "b")], "a", ["b"])', ga.GraphError, "inputs is a list of labels, got 'a'; write ['a']"),
    (
        'elimination.solve([("a", "b")], [["a"]], ["b"])',
        ga.GraphError,
        "inputs has a label that cannot be hashed: ['a']",
    ),
    (
        'elimination.solve([("a", "b")], ["a"], ["b"], units=3)',
        ga.GraphError,
        "elimination.solve(): units is a dict, {edge: 1 or -1}, got 3",
    ),
    (
        'elimination.solve([("a", "b")], ["a"], ["b"], seed=None)',
        ga.GraphError,
        "elimination.solve(): seed is an integer >= 0, got None",
    ),
    (
        'elimination.solve([("a", "b")], ["a"], ["b"], time_budget=INF)',
        ga.GraphError,
        "time_budget is inf",
    ),
    (
        'elimination.solve([("a", "b")], ["a"], ["b"], time_budget="a")',
        ga.GraphError,
        "time_budget is 'a'",
    ),
    (
        'elimination.solve([("a", "b")], ["a"], ["b"], minimize=MASKED)',
        ga.GraphError,
        "minimize is an array",
    ),
    (
        "elimination.eliminate(None, [])",
        ga.GraphError,
        "expected an elimination.Graph, got None; write Graph.of(edges, inputs, outputs)",
    ),
    (
        'elimination.jacobian([("a", "b")], ["a"], ["b"], [])',
        ga.GraphError,
        "elimination.jacobian(): edges is a dict, {(from, to): partial}, got [('a', 'b')]",
    ),
    ("modes.find(None)", ga.GraphError, "modes(): a benchmark graph's name is a text, got None"),
    (
        'modes.find("Nothing")',
        ga.GraphError,
        "modes(): no benchmark graph 'Nothing'; there is WorkedExample_1, WorkedExample_2, RoeFlux_1d,",
    ),
    ("modes.select(3)", ga.GraphError, "modes.select(): names is a list of names, got 3"),
    ("modes.trace_table(ga.sum(V), None)", ga.GraphError, "trace_table(): values is a dict, {x: value}, got None"),
]
