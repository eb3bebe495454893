"""Benchmark graphs and what each AD mode costs on them. README.md names the files in order, docs/modes.md explains."""

from graphad.modes import graphs as _graphs
from graphad.modes.problem import BenchmarkGraph, Problem
from graphad.modes.registry import MODES, find, graphs, register, select, unregister

_REGISTERED = _graphs

__all__ = ["register", "unregister", "find", "select", "graphs", "BenchmarkGraph", "Problem", "MODES"]
