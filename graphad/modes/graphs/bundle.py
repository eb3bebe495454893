"""Bundle adjustment: cameras, points and weights from observed image positions.

As in ADBench (Srajer, Kukelova and Fitzgibbon, Optim. Methods Softw. 33, 2018), which stores 15 entries for each
reprojection row; one of them, by the principal point's other coordinate, is always zero.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from graphad.leaves import input as placeholder
from graphad.modes.problem import Sample
from graphad.modes.registry import register
from graphad.ops import concat, cos, reshape, sin, sqrt, stack, take, where
from graphad.tensor import Tensor

CAMERA: Final = 11  # rotation vector (3), centre (3), focal length, principal point (2), radial distortion (2)


def _cross(a: Sequence[Tensor], b: Sequence[Tensor]) -> list[Tensor]:
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def rotated(rotation: Sequence[Tensor], point: Sequence[Tensor]) -> list[Tensor]:
    """Rodrigues' formula p cos t + (w x p) sin t + w (w . p) (1 - cos t): w is the axis, t the vector's length.

    For the zero vector p + r x p, its limit to first order, so that derivatives are right there, too.
    """
    square = rotation[0] ** 2 + rotation[1] ** 2 + rotation[2] ** 2
    turns = square > 0
    angle = sqrt(where(turns, square, 1.0))
    cosine, sine = cos(angle), sin(angle)
    axis = [r / angle for r in rotation]
    along = (axis[0] * point[0] + axis[1] * point[1] + axis[2] * point[2]) * (1 - cosine)
    full = [p * cosine + c * sine + w * along for p, c, w in zip(point, _cross(axis, point), axis, strict=True)]
    near = [p + c for p, c in zip(point, _cross(rotation, point), strict=True)]
    return [where(turns, f, n) for f, n in zip(full, near, strict=True)]


def projected(camera: Sequence[Tensor], point: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Where a camera sees a point, in pixels."""
    r1, r2, r3, c1, c2, c3, focal, u0, v0, k1, k2 = camera
    shifted = [p - c for p, c in zip(point, (c1, c2, c3), strict=True)]
    x, y, z = rotated((r1, r2, r3), shifted)
    u, v = x / z, y / z
    radius = u**2 + v**2
    distortion = 1 + k1 * radius + k2 * radius**2
    return u * distortion * focal + u0, v * distortion * focal + v0


@register("BundleAdjustment", source="ADBench: Srajer, Kukelova and Fitzgibbon, Optim. Methods Softw. 33, 2018")
def bundle_adjustment(cameras: int = 5, landmarks: int = 40, observations: int = 120) -> tuple[Tensor, Any, Sample]:
    """Reprojection errors, each of a camera, a point and a weight, and weight errors."""
    rng = np.random.default_rng(0)
    seen_by, seen = rng.integers(cameras, size=observations), rng.integers(landmarks, size=observations)
    features = rng.normal(size=(2, observations))
    x = placeholder("x", (CAMERA * cameras + 3 * landmarks + observations,), "float64")
    first, second = CAMERA * cameras, CAMERA * cameras + 3 * landmarks
    weights = x[second:]
    camera = take(reshape(x[:first], (cameras, CAMERA)), seen_by, axis=0)
    point = take(reshape(x[first:second], (landmarks, 3)), seen, axis=0)
    u, v = projected([camera[:, k] for k in range(CAMERA)], [point[:, k] for k in range(3)])
    errors = stack([weights * (u - features[0]), weights * (v - features[1])], axis=1)
    y = concat([reshape(errors, (2 * observations,)), 1 - weights**2])
    return y, x, lambda draw: _draw(draw, cameras, landmarks, observations)


def _draw(rng: np.random.Generator, cameras: int, landmarks: int, observations: int) -> np.ndarray:
    """Cameras near the origin that look along z at landmarks in front of them."""
    each = rng.normal(0, 0.1, (cameras, CAMERA))
    each[:, 6] += 1  # focal length
    scene = rng.normal((0, 0, 5), 1, (landmarks, 3))
    return np.concatenate([each.ravel(), scene.ravel(), rng.uniform(0.5, 1, observations)])
