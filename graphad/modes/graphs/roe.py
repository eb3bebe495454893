"""Roe's approximate Riemann solver for the Euler equations of gas dynamics.

P. L. Roe, Approximate Riemann solvers, parameter vectors, and difference schemes, J. Comput. Phys. 43, 1981; in three
dimensions as in E. F. Toro, Riemann Solvers and Numerical Methods for Fluid Dynamics, section 11.2.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from graphad.modes.graphs.leaf import scalars
from graphad.modes.problem import Sample
from graphad.modes.registry import register
from graphad.ops import abs, sqrt, stack
from graphad.tensor import Tensor

GAMMA: Final = 1.4  # ratio of specific heats: air
ROE: Final = "Roe, J. Comput. Phys. 43, 1981"


def _pressure(density: Tensor, momentum: Tensor, energy: Tensor) -> Tensor:
    return (GAMMA - 1) * (energy - 0.5 * momentum**2 / density)


def _flux(density: Tensor, momentum: Tensor, energy: Tensor, pressure: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    speed = momentum / density
    return momentum, pressure + momentum * speed, speed * (energy + pressure)


def _one_dimension(x: Sequence[Tensor], slow_wave: bool) -> Tensor:
    """F = (F_l + F_r) / 2 - sum of |speed| * strength * eigenvector / 2 over the three waves."""
    rho_l, mom_l, ene_l, rho_r, mom_r, ene_r = x
    jump = rho_r - rho_l
    mean_density = sqrt(rho_l * rho_r)
    weight = sqrt(rho_l) + sqrt(rho_r)

    u_l, p_l = mom_l / rho_l, _pressure(rho_l, mom_l, ene_l)
    h_l = (ene_l + p_l) / rho_l
    u_r, p_r = mom_r / rho_r, _pressure(rho_r, mom_r, ene_r)
    h_r = (ene_r + p_r) / rho_r
    p_jump, u_jump = p_r - p_l, u_r - u_l

    u = (u_l * sqrt(rho_l) + u_r * sqrt(rho_r)) / weight
    h = (h_l * sqrt(rho_l) + h_r * sqrt(rho_r)) / weight
    squared = u**2
    a2 = (GAMMA - 1) * (h - 0.5 * squared)
    a = sqrt(a2)

    plus, zero, minus = abs(u + a), abs(u), abs(u - a) if slow_wave else abs(u)
    impedance = mean_density * a
    c0 = zero * (jump - p_jump / a2)
    c1 = plus * (u_jump + p_jump / impedance)
    c2 = minus * (u_jump - p_jump / impedance)

    flux_l = _flux(rho_l, mom_l, ene_l, p_l)
    flux_r = _flux(rho_r, mom_r, ene_r, p_r)
    sums = [left + right for left, right in zip(flux_l, flux_r, strict=True)]
    c = 0.5 * mean_density / a
    waves = (
        c0 + c1 * c - c2 * c,
        u * c0 + c1 * c * (u + a) - c2 * c * (u - a),
        squared * (0.5 * c0) + c1 * c * (h + u * a) - c2 * c * (h - u * a),
    )
    return stack([0.5 * (f - w) for f, w in zip(sums, waves, strict=True)])


def draw_1d(rng: np.random.Generator) -> np.ndarray:
    """Conserved variables (density, momentum, energy density), left and right."""
    states = []
    for _ in range(2):
        density, pressure, speed = *rng.uniform(0.5, 2, 2), rng.uniform(-0.5, 0.5)
        states += [density, density * speed, pressure / (GAMMA - 1) + 0.5 * density * speed**2]
    return np.array(states)


@register(
    "RoeFlux_1d",
    source=f"{ROE}; as in arXiv 2406.05027",
    points=1000,
    published={"forward": 620, "reverse": 364, "eliminate": 320},
)
def roe_1d() -> tuple[Tensor, Any, Sample]:
    """Roe's flux in one dimension, as published with counts: the slow wave has the speed |u| instead of |u - a|."""
    x, elements = scalars(6)
    return _one_dimension(elements, slow_wave=False), x, draw_1d


@register("RoeFlux_1d_corrected", source=ROE, points=1000)
def roe_1d_corrected() -> tuple[Tensor, Any, Sample]:
    """Roe's flux in one dimension, with the slow wave's speed |u - a|."""
    x, elements = scalars(6)
    return _one_dimension(elements, slow_wave=True), x, draw_1d


def _side(state: Sequence[Tensor]) -> tuple[Tensor, list[Tensor], Tensor, list[Tensor]]:
    """sqrt(density), velocity, enthalpy and flux along the first axis of a three-dimensional state."""
    density, *momenta, energy = state
    v = [m / density for m in momenta]
    kinetic = 0.5 * (momenta[0] * v[0] + momenta[1] * v[1] + momenta[2] * v[2])
    pressure = (GAMMA - 1) * (energy - kinetic)
    flux = [momenta[0], momenta[0] * v[0] + pressure, momenta[1] * v[0], momenta[2] * v[0], v[0] * (energy + pressure)]
    return sqrt(density), v, (energy + pressure) / density, flux


@register("RoeFlux_3d", source=f"{ROE}; Toro, Riemann Solvers, section 11.2", points=1000)
def roe_3d() -> tuple[Tensor, Any, Sample]:
    """Roe's flux in three dimensions along the first axis, 10 -> 5."""
    x, elements = scalars(10)
    left, right = elements[:5], elements[5:]
    w_l, v_l, h_l, flux_l = _side(left)
    w_r, v_r, h_r, flux_r = _side(right)

    def mean(a: Tensor, b: Tensor) -> Tensor:
        return (w_l * a + w_r * b) / (w_l + w_r)

    u, v, w = (mean(a, b) for a, b in zip(v_l, v_r, strict=True))
    h = mean(h_l, h_r)
    half_square = 0.5 * (u * u + v * v + w * w)
    a2 = (GAMMA - 1) * (h - half_square)
    a = sqrt(a2)

    d = [right_ - left_ for left_, right_ in zip(left, right, strict=True)]
    shear_v, shear_w = d[2] - v * d[0], d[3] - w * d[0]
    energy = d[4] - shear_v * v - shear_w * w
    entropy = (GAMMA - 1) / a2 * (d[0] * (h - u * u) + u * d[1] - energy)
    slow = (d[0] * (u + a) - d[1] - a * entropy) / (2 * a)
    fast = d[0] - (slow + entropy)

    s, c, f = abs(u - a) * slow, abs(u), abs(u + a) * fast  # speeds times strengths
    e = c * entropy
    waves = (
        s + e + f,
        s * (u - a) + e * u + f * (u + a),
        s * v + e * v + f * v + c * shear_v,
        s * w + e * w + f * w + c * shear_w,
        s * (h - u * a) + e * half_square + f * (h + u * a) + c * (shear_v * v + shear_w * w),
    )
    flux = [0.5 * (l_ + r_ - wave) for l_, r_, wave in zip(flux_l, flux_r, waves, strict=True)]
    return stack(flux), x, draw_3d


def draw_3d(rng: np.random.Generator) -> np.ndarray:
    """Conserved variables (density, three momenta, energy density), left and right."""
    states: list[float] = []
    for _ in range(2):
        density, pressure = rng.uniform(0.5, 2, 2)
        speed = rng.uniform(-0.5, 0.5, 3)
        states += [density, *(density * speed), pressure / (GAMMA - 1) + 0.5 * density * speed @ speed]
    return np.array(states)
