"""Flux, arm, dipole, combustion and option against independent formulas and known properties."""

from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

import graphad as ga
from graphad.modes.graphs import combustion, heart, roe

GAMMA = 1.4


def value(name: str, x: Any) -> np.ndarray:
    problem = ga.modes.find(name).build()
    return ga.evaluate(problem.y, {problem.x: np.asarray(x)})


def euler_flux(state: np.ndarray) -> np.ndarray:
    """Of the Euler equations along the first axis, in one or three dimensions."""
    density, momentum, energy = state[0], state[1:-1], state[-1]
    speed = momentum / density
    pressure = (GAMMA - 1) * (energy - 0.5 * momentum @ speed)
    flux = speed[0] * np.concatenate([[density], momentum, [energy + pressure]])
    flux[1] += pressure
    return flux


def roe_matrix(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The flux's Jacobian at Roe's averages, by differences of the flux at a state that has them."""
    roots = np.sqrt([left[0], right[0]])

    def mean(a: Any, b: Any) -> Any:
        return (roots[0] * a + roots[1] * b) / roots.sum()

    def enthalpy(s: np.ndarray) -> float:
        return (s[-1] + (GAMMA - 1) * (s[-1] - 0.5 * s[1:-1] @ s[1:-1] / s[0])) / s[0]

    v, h = mean(left[1:-1] / left[0], right[1:-1] / right[0]), mean(enthalpy(left), enthalpy(right))
    energy = (h + (GAMMA - 1) * 0.5 * v @ v) / GAMMA
    state = np.concatenate([[1.0], v, [energy]])
    steps = 1e-6 * np.eye(len(state))
    return np.stack([(euler_flux(state + d) - euler_flux(state - d)) / 2e-6 for d in steps], axis=1)


def roe_flux(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(F_l + F_r) / 2 - |A| (u_r - u_l) / 2 with |A| by an eigendecomposition."""
    values, vectors = np.linalg.eig(roe_matrix(left, right))
    dissipation = vectors @ np.diag(np.abs(values)) @ np.linalg.inv(vectors)
    return np.real(0.5 * (euler_flux(left) + euler_flux(right)) - 0.5 * dissipation @ (right - left))


ROE = [("RoeFlux_1d_corrected", roe.draw_1d), ("RoeFlux_3d", roe.draw_3d)]


@pytest.mark.parametrize(("name", "draw"), ROE)
def test_roe_flux_by_an_eigendecomposition(name: str, draw: Any) -> None:
    rng = np.random.default_rng(1)
    for _ in range(5):
        x = draw(rng)
        left, right = np.split(x, 2)
        np.testing.assert_allclose(value(name, x), roe_flux(left, right), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("name", "draw"), [*ROE, ("RoeFlux_1d", roe.draw_1d)])
def test_roe_flux_is_consistent(name: str, draw: Any) -> None:
    """F(u, u) = f(u)."""
    state = np.split(draw(np.random.default_rng(2)), 2)[0]
    np.testing.assert_allclose(value(name, np.tile(state, 2)), euler_flux(state), rtol=1e-12)


@pytest.mark.parametrize(("name", "draw"), ROE)
def test_supersonic_flow_takes_the_flux_upwind(name: str, draw: Any) -> None:
    left, right = np.split(draw(np.random.default_rng(3)), 2)
    for state in (left, right):  # the same gas, but five times as fast as a common velocity
        pressure = (GAMMA - 1) * (state[-1] - 0.5 * state[1:-1] @ state[1:-1] / state[0])
        state[1:-1] = state[0] * 5.0 * np.eye(len(state) - 2)[0]
        state[-1] = pressure / (GAMMA - 1) + 0.5 * state[1:-1] @ state[1:-1] / state[0]
    np.testing.assert_allclose(value(name, np.concatenate([left, right])), euler_flux(left), rtol=1e-9, atol=1e-9)


def test_the_published_roe_flux_differs_only_in_the_slow_wave() -> None:
    """Where nothing moves at the mean, |u| = 0 instead of |u - a| takes the slow wave's dissipation away."""
    x = roe.draw_1d(np.random.default_rng(4))
    left, right = np.split(x, 2)
    matrix = roe_matrix(left, right)
    values, vectors = np.linalg.eig(matrix)
    speeds = np.abs(values)
    slow, middle = np.argmin(values), np.argsort(values)[1]
    speeds[slow] = speeds[middle]
    flux = 0.5 * (euler_flux(left) + euler_flux(right))
    flux -= 0.5 * vectors @ np.diag(speeds) @ np.linalg.inv(vectors) @ (right - left)
    np.testing.assert_allclose(value("RoeFlux_1d", x), flux, rtol=1e-6, atol=1e-7)


def denavit_hartenberg(angle: float, offset: float, length: float, twist: float) -> np.ndarray:
    c, s, ct, st = np.cos(angle), np.sin(angle), np.cos(twist), np.sin(twist)
    return np.array([
        [c, -s * ct, s * st, length * c], [s, c * ct, -c * st, length * s], [0, st, ct, offset], [0, 0, 0, 1],
    ])  # fmt: skip


def test_the_arm_by_denavit_hartenberg_matrices() -> None:
    table = [(575, 175, 90), (0, 890, 0), (0, 50, 90), (1035, 0, -90), (0, 0, 90), (185, 0, 0)]
    rng = np.random.default_rng(5)
    for _ in range(5):
        angles = rng.uniform(-1.2, 1.2, 6)
        pose = np.eye(4)
        for angle, (offset, length, twist) in zip(angles, table, strict=True):
            pose = pose @ denavit_hartenberg(angle, offset, length, np.deg2rad(twist))
        x, y, z, phi, theta, psi = value("RobotArm_6DOF", angles)
        np.testing.assert_allclose([x, y, z], pose[:3, 3], rtol=1e-12, atol=1e-9)

        def turn(angle: float, axis: int) -> np.ndarray:
            c, s = np.cos(angle), np.sin(angle)
            return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]] if axis == 2 else [[c, 0, s], [0, 1, 0], [-s, 0, c]])

        np.testing.assert_allclose(turn(phi, 2) @ turn(theta, 1) @ turn(psi, 2), pose[:3, :3], atol=1e-12)


def test_heart_dipole_in_complex_numbers() -> None:
    """The moments are the real and imaginary parts of sums of (a + ic)(t + iv)^k over the two dipoles."""
    x = np.random.default_rng(6).normal(size=8)
    a, b, c, d, t, u, v, w = x
    moments = [(a + 1j * c) * (t + 1j * v) ** k + (b + 1j * d) * (u + 1j * w) ** k for k in range(4)]
    expected = [part for m in moments for part in (m.real, m.imag)]
    np.testing.assert_allclose(value("HumanHeartDipole", x) + heart.MOMENTS, expected, rtol=1e-12)


def test_heart_dipole_is_solved_near_minpacks_starting_point() -> None:
    problem = ga.modes.find("HumanHeartDipole").build()
    f = ga.compile([problem.x], [problem.y, ga.jacobian(problem.y, problem.x, mode="forward")], target="numpy")
    found = optimize.root(lambda x: f(x)[0], heart.START, jac=lambda x: f(x)[1], tol=1e-14)
    assert found.success
    np.testing.assert_allclose(found.fun, 0, atol=1e-12)


def test_combustion_is_balanced_at_its_solution() -> None:
    """MINPACK-2's system has a solution with positive mole numbers, found from its starting point in logarithms."""
    problem = ga.modes.find("PropaneCombustion_corrected").build()
    logs = ga.input("logs", (11,), "float64")
    y = ga.vectorize(problem.y, {problem.x: ga.exp(logs)[None]})[0]
    f = ga.compile([logs], [y, ga.jacobian(y, logs, mode="forward")], target="numpy")
    found = optimize.least_squares(
        lambda x: f(x)[0], np.log(combustion.START), lambda x: f(x)[1], xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=500
    )
    assert found.cost < 1e-18
    x = np.exp(found.x)
    # carbon, nitrogen and the total balance by themselves
    np.testing.assert_allclose([x[0] + x[3], 2 * x[2] + x[8], x[10]], [3, 40, x[:10].sum()], rtol=1e-8)


def test_combustion_without_constants_is_combustion_with_ones() -> None:
    x = np.random.default_rng(7).uniform(0.5, 2, 11)
    k = np.array(combustion.EQUILIBRIUM)
    difference = value("PropaneCombustion", x) - value("PropaneCombustion_corrected", x)
    products = [x[1] * x[3], np.sqrt(x[1] * x[3]), np.sqrt(x[0] * x[1]), x[0], x[0] * np.sqrt(x[2]), x[0] ** 2]
    np.testing.assert_allclose(difference[4:10], (1 - k) * products, rtol=1e-9)
    np.testing.assert_allclose(np.delete(difference, range(4, 10)), 0, atol=1e-12)


def test_black_scholes_greeks_in_closed_form() -> None:
    problem = ga.modes.find("BlackScholes").build()
    spot, strike, rate, volatility, time = market = [100.0, 95.0, 0.03, 0.25, 0.75]
    deviation = volatility * np.sqrt(time)
    d1 = (np.log(spot / strike) + (rate + volatility**2 / 2) * time) / deviation
    d2 = d1 - deviation
    density = stats.norm.pdf(d1)
    y, x = problem.y, problem.inputs
    values = dict(zip(x, market, strict=True))
    price, gradient, rows = ga.evaluate([y, ga.grad(y, x), [r for row in ga.hessian(y, x) for r in row]], values)
    gradient, hessian = np.array(gradient), np.reshape(rows, (5, 5))
    assert price == pytest.approx(spot * stats.norm.cdf(d1) - strike * np.exp(-rate * time) * stats.norm.cdf(d2))
    vega = spot * density * np.sqrt(time)
    rho = strike * time * np.exp(-rate * time) * stats.norm.cdf(d2)
    assert gradient[[0, 2, 3]] == pytest.approx([stats.norm.cdf(d1), rho, vega])
    gamma, vanna, volga = density / (spot * deviation), -density * d2 / volatility, vega * d1 * d2 / volatility
    assert [hessian[0, 0], hessian[0, 3], hessian[3, 3]] == pytest.approx([gamma, vanna, volga])
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-10)


@pytest.mark.parametrize(
    "name",
    [
        "RoeFlux_1d", "RoeFlux_1d_corrected", "RoeFlux_3d", "RobotArm_6DOF", "HumanHeartDipole", "PropaneCombustion",
        "PropaneCombustion_corrected", "BlackScholes", "WorkedExample_1", "WorkedExample_2",
    ],
)  # fmt: skip
def test_derivatives(name: str) -> None:
    problem = ga.modes.find(name).build()
    ga.check_grads(problem.y, problem.draw(1), order=1 if "Roe" in name else 2)
