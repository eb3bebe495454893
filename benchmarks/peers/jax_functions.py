"""The benchmark graphs of `graphad.modes` as JAX functions of one point, with the same names and weights.

`twin(problem, name)` gives the function; data that a graph draws with a seed is drawn in the same order here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax, nn
from jax.scipy.special import erf, gammaln, logsumexp

from graphad.compiler.ir.graph import topological
from graphad.modes import Problem
from graphad.modes.graphs import combustion, heart, robot, roe
from graphad.tensor import Parameter

Function = Callable[..., Any]
Weights = dict[str, np.ndarray]

_TWINS: dict[str, Callable[[Weights], Function]] = {}


def twin(problem: Problem, name: str) -> Function | None:
    """The same function in JAX, or None where there is none."""
    make = _TWINS.get(name)
    weights = {node.name: node.value for node in topological([problem.y]) if isinstance(node, Parameter)}
    return make(weights) if make else None


def _twin(name: str) -> Callable[[Callable[[Weights], Function]], Callable[[Weights], Function]]:
    def enter(make: Callable[[Weights], Function]) -> Callable[[Weights], Function]:
        _TWINS[name] = make
        return make

    return enter


def _plain(name: str) -> Callable[[Function], Function]:
    """A function without weights."""

    def enter(function: Function) -> Function:
        _TWINS[name] = lambda weights: function
        return function

    return enter


@_plain("WorkedExample_1")
def worked_1(x: Any, y: Any) -> Any:
    product = y * jnp.log(x)
    return product + jnp.sqrt(product)


@_plain("WorkedExample_2")
def worked_2(x: Any, y: Any, z: Any) -> Any:
    return jnp.sin((jnp.cosh(y**2 + x / z) + jnp.tanh(x * y * z)) / jnp.log(1 + jnp.exp(x)))


def _roe_1d(x: Any, slow_wave: bool) -> Any:
    left, right = x[:3], x[3:]

    def side(state: Any) -> Any:
        density, momentum, energy = state
        speed = momentum / density
        pressure = (roe.GAMMA - 1) * (energy - 0.5 * momentum * speed)
        flux = jnp.stack([momentum, pressure + momentum * speed, speed * (energy + pressure)])
        return jnp.sqrt(density), speed, (energy + pressure) / density, pressure, flux

    w_l, u_l, h_l, p_l, flux_l = side(left)
    w_r, u_r, h_r, p_r, flux_r = side(right)
    u, h = (w_l * u_l + w_r * u_r) / (w_l + w_r), (w_l * h_l + w_r * h_r) / (w_l + w_r)
    a2 = (roe.GAMMA - 1) * (h - 0.5 * u**2)
    a = jnp.sqrt(a2)
    impedance = w_l * w_r * a
    c = 0.5 * w_l * w_r / a
    c0 = jnp.abs(u) * (right[0] - left[0] - (p_r - p_l) / a2)
    c1 = c * jnp.abs(u + a) * (u_r - u_l + (p_r - p_l) / impedance)
    c2 = c * jnp.abs(u - a if slow_wave else u) * (u_r - u_l - (p_r - p_l) / impedance)
    waves = jnp.stack([
        c0 + c1 - c2, c0 * u + c1 * (u + a) - c2 * (u - a), 0.5 * c0 * u**2 + c1 * (h + u * a) - c2 * (h - u * a)
    ])  # fmt: skip
    return 0.5 * (flux_l + flux_r - waves)


@_plain("RoeFlux_1d")
def roe_1d(x: Any) -> Any:
    return _roe_1d(x, slow_wave=False)


@_plain("RoeFlux_1d_corrected")
def roe_1d_corrected(x: Any) -> Any:
    return _roe_1d(x, slow_wave=True)


@_plain("RoeFlux_3d")
def roe_3d(x: Any) -> Any:
    left, right = x[:5], x[5:]

    def side(state: Any) -> Any:
        density, momenta, energy = state[0], state[1:4], state[4]
        v = momenta / density
        pressure = (roe.GAMMA - 1) * (energy - 0.5 * jnp.dot(momenta, v))
        flux = jnp.stack([
            momenta[0], momenta[0] * v[0] + pressure, momenta[1] * v[0], momenta[2] * v[0], v[0] * (energy + pressure)
        ])  # fmt: skip
        return jnp.sqrt(density), v, (energy + pressure) / density, flux

    w_l, v_l, h_l, flux_l = side(left)
    w_r, v_r, h_r, flux_r = side(right)
    u, v, w = (w_l * v_l + w_r * v_r) / (w_l + w_r)
    h = (w_l * h_l + w_r * h_r) / (w_l + w_r)
    half = 0.5 * (u * u + v * v + w * w)
    a2 = (roe.GAMMA - 1) * (h - half)
    a = jnp.sqrt(a2)
    d = right - left
    shear_v, shear_w = d[2] - v * d[0], d[3] - w * d[0]
    entropy = (roe.GAMMA - 1) / a2 * (d[0] * (h - u * u) + u * d[1] - (d[4] - shear_v * v - shear_w * w))
    slow = (d[0] * (u + a) - d[1] - a * entropy) / (2 * a)
    fast = d[0] - (slow + entropy)
    s, c, f = jnp.abs(u - a) * slow, jnp.abs(u), jnp.abs(u + a) * fast
    e = c * entropy
    waves = jnp.stack([
        s + e + f, s * (u - a) + e * u + f * (u + a), (s + e + f) * v + c * shear_v, (s + e + f) * w + c * shear_w,
        s * (h - u * a) + e * half + f * (h + u * a) + c * (shear_v * v + shear_w * w),
    ])  # fmt: skip
    return 0.5 * (flux_l + flux_r - waves)


@_plain("RobotArm_6DOF")
def robot_arm(x: Any) -> Any:
    c, s = jnp.cos(x), jnp.sin(x)
    c1, c2, c3, c4, c5, c6 = (c[k] for k in range(6))
    s1, s2, s3, s4, s5, s6 = (s[k] for k in range(6))
    c23, s23 = c2 * c3 - s2 * s3, s2 * c3 + c2 * s3
    ax = s5 * (c4 * c1 * c23 + s1 * s4) + c5 * c1 * s23
    ay = s5 * (c4 * s1 * c23 - c1 * s4) + c5 * s1 * s23
    az = s5 * c4 * s23 - c5 * c23
    first = c23 * s5 + c5 * c4 * s23
    nz, oz = c6 * first - s6 * s4 * s23, -s6 * first - c6 * s4 * s23
    reach = robot.A1 + robot.A2 * c2 + robot.A3 * c23 + robot.D4 * s23
    px, py = robot.D6 * ax + c1 * reach, robot.D6 * ay + s1 * reach
    pz = robot.D1 + robot.A2 * s2 + robot.A3 * s23 - robot.D4 * c23 + robot.D6 * az
    angles = jnp.arctan2(ay, ax), jnp.arctan2(jnp.sqrt(1 - az**2), az), jnp.arctan2(oz, -nz)
    return jnp.stack([px, py, pz, *angles])


@_plain("HumanHeartDipole")
def heart_dipole(x: Any) -> Any:
    a, b, c, d, t, u, v, w = x
    left, right = t**2 - v**2, u**2 - w**2
    tv, vt = t * (t**2 - 3 * v**2), v * (v**2 - 3 * t**2)
    uw, wu = u * (u**2 - 3 * w**2), w * (w**2 - 3 * u**2)
    sums = [
        a + b, c + d, t * a + u * b - v * c - w * d, v * a + w * b + t * c + u * d,
        a * left - 2 * c * t * v + b * right - 2 * d * u * w, c * left + 2 * a * t * v + d * right + 2 * b * u * w,
        a * tv + c * vt + b * uw + d * wu, c * tv - a * vt + d * uw - b * wu,
    ]  # fmt: skip
    return jnp.stack(sums) - jnp.asarray(heart.MOMENTS)


def _propane(x: Any, constants: Any) -> Any:
    x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11 = x
    k5, k6, k7, k8, k9, k10 = constants
    ratio = combustion.PRESSURE / x11
    root = jnp.sqrt(ratio)
    return jnp.stack([
        x1 + x4 - 3, 2 * x1 + x2 + x4 + x7 + x8 + x9 + 2 * x10 - combustion.AIR, 2 * x2 + 2 * x5 + x6 + x7 - 8,
        2 * x3 + x9 - 4 * combustion.AIR, k5 * x2 * x4 - x1 * x5, k6 * jnp.sqrt(x2 * x4) - jnp.sqrt(x1) * root * x6,
        k7 * jnp.sqrt(x1 * x2) - jnp.sqrt(x4) * x7 * root, k8 * x1 - x4 * x8 * ratio,
        k9 * x1 * jnp.sqrt(x3) - x4 * x9 * root, k10 * x1**2 - x4**2 * x10 * ratio, x11 - jnp.sum(x[:10]),
    ])  # fmt: skip


@_plain("PropaneCombustion")
def propane(x: Any) -> Any:
    return _propane(x, (1.0,) * 6)


@_plain("PropaneCombustion_corrected")
def propane_corrected(x: Any) -> Any:
    return _propane(x, combustion.EQUILIBRIUM)


@_plain("BlackScholes")
def black_scholes(spot: Any, strike: Any, rate: Any, volatility: Any, time: Any) -> Any:
    deviation = volatility * jnp.sqrt(time)
    d1 = (jnp.log(spot / strike) + (rate + 0.5 * volatility**2) * time) / deviation
    first, second = (0.5 * (1 + erf(d / np.sqrt(2))) for d in (d1, d1 - deviation))
    return spot * first - strike * jnp.exp(-rate * time) * second


def _chain(weights: Weights) -> Function:
    factors = [jnp.asarray(w) for w in weights.values()]

    def chain(x: Any) -> Any:
        for w in factors:
            x = jnp.tanh(x @ w)
        return x

    return chain


for _name in ("GrowingChain", "ShrinkingChain", "MixedChain", "BowTie"):
    _twin(_name)(_chain)


def _layer_norm(x: Any, gain: Any, shift: Any) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    return gain * centred * lax.rsqrt((centred**2).mean(-1, keepdims=True) + 1e-5) + shift


@_plain("Perceptron")
def perceptron(w1: Any, b1: Any, gain: Any, shift: Any, w2: Any, b2: Any) -> Any:
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(8, 16)).astype("float32"), rng.integers(10, size=8)
    logits = jnp.tanh(_layer_norm(images @ w1 + b1, gain, shift)) @ w2 + b2
    return -nn.log_softmax(logits)[np.arange(8), labels].mean()


@_twin("TransformerBlock")
def transformer_block(weights: Weights) -> Function:
    w = {name: jnp.asarray(value) for name, value in weights.items()}
    heads = 2

    def block(x: Any) -> Any:
        tokens, width = x.shape
        query, key, value = ((x @ w[n]).reshape(tokens, heads, width // heads) for n in ("query", "key", "value"))
        scores = jnp.einsum("ihc,jhc->hij", query, key) * (width // heads) ** -0.5
        mixed = jnp.einsum("hij,jhc->ihc", nn.softmax(scores), value).reshape(tokens, width)
        attended = _layer_norm(x + mixed @ w["out"], w["norm1.gain"], w["norm1.shift"])
        y = attended + nn.relu(attended @ w["up"]) @ w["down"]
        return _layer_norm(y, w["norm2.gain"], w["norm2.shift"])

    return block


@_twin("LeNet5")
def lenet(weights: Weights) -> Function:
    """Channels last, max-pooling by reshape and max."""
    c1, b1, c2, b2, *dense = (jnp.asarray(value) for value in weights.values())
    kernels = [(jnp.transpose(c, (2, 3, 1, 0)), b) for c, b in ((c1, b1), (c2, b2))]

    def net(x: Any) -> Any:
        y = jnp.transpose(x, (1, 2, 0))[None]
        for kernel, bias in kernels:
            y = lax.conv_general_dilated(y, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
            y = nn.relu(y + bias)
            n, h, w, c = y.shape
            y = y.reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))
        y = jnp.transpose(y, (0, 3, 1, 2)).reshape(-1)
        for k in range(0, len(dense), 2):
            y = dense[k] @ y + dense[k + 1]
            y = y if k == len(dense) - 2 else nn.relu(y)
        return y

    return net


@_plain("Tridiagonal")
def tridiagonal(x: Any) -> Any:
    return (3 - 2 * x) * x - jnp.pad(x[:-1], (1, 0)) - 2 * jnp.pad(x[1:], (0, 1)) + 1


@_plain("Arrowhead")
def arrowhead(x: Any) -> Any:
    hub, others = x[0], x[1:]
    return jnp.concatenate([(hub**3 + jnp.sum(others**2))[None], others**3 + hub * others - 1])


@_plain("GMM")
def mixture(log_weights: Any, means: Any, log_diagonal: Any, below: Any) -> Any:
    components, dimension = means.shape
    data = np.random.default_rng(0).normal(size=(200, dimension))
    rows, columns = np.tril_indices(dimension, -1)
    factors = jax.vmap(lambda d, low: jnp.diag(jnp.exp(d)).at[rows, columns].set(low))(log_diagonal, below)
    whitened = jnp.einsum("kij,nkj->nki", factors, data[:, None] - means)
    log_determinants = log_diagonal.sum(1)
    terms = log_weights + log_determinants - 0.5 * (whitened**2).sum(2)
    count = len(data)
    likelihood = logsumexp(terms, axis=1).sum() - count * logsumexp(log_weights)
    likelihood -= count * 0.5 * dimension * np.log(2 * np.pi)
    freedom = dimension + 1
    multigamma = dimension * (dimension - 1) / 4 * np.log(np.pi)
    multigamma += sum(gammaln((freedom - j) / 2) for j in range(dimension))
    constant = -0.5 * freedom * dimension * np.log(2) - multigamma
    return -(likelihood - 0.5 * (factors**2).sum() + components * constant)


@_plain("BundleAdjustment")
def bundle_adjustment(x: Any) -> Any:
    cameras, points, observations = 5, 40, 120
    rng = np.random.default_rng(0)
    seen_by, seen = rng.integers(cameras, size=observations), rng.integers(points, size=observations)
    features = rng.normal(size=(2, observations))
    first, second = 11 * cameras, 11 * cameras + 3 * points
    weights = x[second:]
    camera, point = x[:first].reshape(cameras, 11)[seen_by], x[first:second].reshape(points, 3)[seen]
    rotation, shifted = camera[:, :3], point - camera[:, 3:6]
    angle = jnp.sqrt((rotation**2).sum(1, keepdims=True))  # never zero here
    axis = rotation / angle
    along = (axis * shifted).sum(1, keepdims=True) * (1 - jnp.cos(angle))
    turned = shifted * jnp.cos(angle) + jnp.cross(axis, shifted) * jnp.sin(angle) + axis * along
    image = turned[:, :2] / turned[:, 2:]
    radius = (image**2).sum(1)
    distortion = 1 + camera[:, 9] * radius + camera[:, 10] * radius**2
    pixels = image * distortion[:, None] * camera[:, 6:7] + camera[:, 7:9]
    errors = weights[:, None] * (pixels - features.T)
    return jnp.concatenate([errors.reshape(-1), 1 - weights**2])
