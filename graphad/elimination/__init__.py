"""Orders in which to eliminate the vertices of a computational graph, so that its Jacobian takes few products."""

from graphad.elimination.graph import Graph
from graphad.elimination.products import Elimination, Product, eliminate, jacobian
from graphad.elimination.solution import Solution
from graphad.elimination.solve import solve

__all__ = ["solve", "Solution", "Graph", "eliminate", "jacobian", "Elimination", "Product"]
