"""Benchmark graphs by name, and the decorator with which anybody adds one."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NoReturn, TypeVar

from graphad.build import refuse
from graphad.checks import listed, text
from graphad.compiler.errors import GraphError
from graphad.modes.problem import BenchmarkGraph

MODES: Final = ("forward", "reverse", "chain", "eliminate", "sparse", "auto")

_GRAPHS: dict[str, BenchmarkGraph] = {}

F = TypeVar("F", bound=Callable[..., Any])


def register(
    name: Any,
    *,
    source: str = "",
    hessian: bool = False,
    points: Any = 1,
    worked: Sequence[float] = (),
    published: Mapping[str, int] | None = None,
) -> Callable[[F], F]:
    """Adds a benchmark graph; the function returns ``y, x, sample`` for one point, its docstring is the summary.

    Args:
        name: how it is asked for; not taken yet.
        source: where it is from.
        hessian: compare the Hessian of the scalar y instead of its gradient.
        points: how many points it is evaluated at unless said.
        worked: values of the inputs (scalars) at which every intermediate value is printed, too.
        published: multiplications found in the literature, by mode.

    ``x`` is a tensor or a list of tensors, ``sample(rng)`` draws values for it in kind.

    Errors: GraphError for a name that is taken, a published count of no mode, and sizes without a default.

    >>> import graphad as ga
    >>> @ga.modes.register("Cubes", points=100)
    ... def cubes(n: int = 3):
    ...     '''Cubes of differences.'''
    ...     x = ga.input("x", (n,), "float64")
    ...     return (x[1:] - x[:-1]) ** 3, x, lambda rng: rng.normal(size=n)
    >>> ga.modes.find("Cubes").build(n=5).y.shape
    (4,)
    >>> ga.modes.unregister("Cubes")
    """
    if not isinstance(name, str) or not name:
        refuse(GraphError, "register", (), f"a graph's name is a text, got {name!r}")
    if name.lower() in map(str.lower, _GRAPHS):
        refuse(
            GraphError, "register", (), f"there is a graph {name!r} already; ga.modes.unregister({name!r}) removes it"
        )
    strange = [mode for mode in published or {} if mode not in MODES]
    if strange:
        refuse(GraphError, "register", (), f"published counts are by mode ({', '.join(MODES)}), got {strange[0]!r}")
    if not isinstance(points, int) or points < 1:
        refuse(GraphError, "register", (), f"points is a number of at least 1, got {points!r}")

    def enter(function: F) -> F:
        open_ = [p for p, it in inspect.signature(function).parameters.items() if it.default is inspect.Parameter.empty]
        if open_:
            refuse(GraphError, "register", (), f"sizes have defaults: {name}'s {open_[0]!r} has none")
        summary = (inspect.getdoc(function) or name).splitlines()[0].rstrip(".")
        counts = MappingProxyType(dict(published or {}))
        _GRAPHS[name] = BenchmarkGraph(name, summary, source, function, hessian, points, tuple(worked), counts)
        return function

    return enter


def unregister(name: str) -> None:
    """Removes a graph from the registry."""
    del _GRAPHS[find(name).name]


def graphs() -> list[BenchmarkGraph]:
    """All of them, in the order of their registration."""
    return list(_GRAPHS.values())


def find(name: str) -> BenchmarkGraph:
    """The graph of that name, whatever its case.

    Errors: GraphError with the names that are close.
    """
    found = _called(name)
    return _unknown(name) if found is None else found


def select(names: Sequence[str]) -> list[BenchmarkGraph]:
    """The graphs of these names, or, where there is none of a name, all that start with it; all graphs for no names.

    >>> [graph.name for graph in select(["worked", "LeNet5"])]
    ['WorkedExample_1', 'WorkedExample_2', 'LeNet5']
    """
    found: dict[str, BenchmarkGraph] = {}
    for name in listed("modes.select", "names", names, "names") or list(_GRAPHS):
        exact = _called(name)
        group = [graph for graph in graphs() if name and graph.name.lower().startswith(name.lower())]
        group = group if exact is None else [exact]
        if not group:
            _unknown(name)
        found.update((graph.name, graph) for graph in group)
    return list(found.values())


def _called(name: str) -> BenchmarkGraph | None:
    text("modes", "a benchmark graph's name", name, empty=True)
    return next((graph for graph in _GRAPHS.values() if graph.name.lower() == name.lower()), None)


def _unknown(name: str) -> NoReturn:
    by_case = {known.lower(): known for known in _GRAPHS}
    close = [by_case[match] for match in difflib.get_close_matches(name.lower(), by_case, n=3, cutoff=0.5)]
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"there is {', '.join(_GRAPHS)}"
    refuse(GraphError, "modes", (), f"no benchmark graph {name!r}; {hint}")
