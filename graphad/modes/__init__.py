"""Benchmark graphs and what each AD mode costs on them. README.md names the files in order, docs/modes.md explains."""

from graphad.modes import graphs as _graphs
from graphad.modes.comparison import Comparison, ModeResult, compare
from graphad.modes.jacobians import Evaluation, evaluation, scalar_dag
from graphad.modes.problem import BenchmarkGraph, Problem
from graphad.modes.registry import MODES, find, graphs, register, select, unregister
from graphad.modes.trace import trace_table

_REGISTERED = _graphs

__all__ = [
    # the registry
    "register", "unregister", "find", "select", "graphs", "BenchmarkGraph", "Problem", "MODES",
    # what the modes cost
    "compare", "Comparison", "ModeResult", "evaluation", "Evaluation", "scalar_dag",
    # by hand
    "trace_table",
]  # fmt: skip
