"""Jacobians in the cheapest order: every mode priced, one chosen and explained. README.md names the files in order."""

from graphad.planning.curvature import hessian, hvp, plan_hessian
from graphad.planning.jacobian import jacobian
from graphad.planning.linear import Linearized, linearize
from graphad.planning.loading import load_plan
from graphad.planning.plan import ModeCost, Plan
from graphad.planning.planner import plan_jacobian

__all__ = [
    "Linearized", "ModeCost", "Plan", "hessian", "hvp", "jacobian", "linearize", "load_plan", "plan_hessian",
    "plan_jacobian",
]  # fmt: skip
