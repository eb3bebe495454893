"""Direct kinematics of a six-joint industrial arm."""

from typing import Any, Final

from graphad.modes.graphs.leaf import scalars
from graphad.modes.problem import Sample
from graphad.modes.registry import register
from graphad.ops import atan2, cos, sin, sqrt, stack
from graphad.tensor import Tensor

# Denavit-Hartenberg parameters, millimetres: offsets a_k along x_k, d_k along z_(k-1); twists 90, 0, 90, -90, 90, 0
# degrees. FANUC-like.
A1, A2, A3 = 175.0, 890.0, 50.0
D1, D4, D6 = 575.0, 1035.0, 185.0

ARM: Final = "joint variables as in arXiv 2406.05027; Denavit and Hartenberg, J. Appl. Mech. 22, 1955"


def _cos_sum(a: Tensor, b: Tensor) -> Tensor:
    return cos(a) * cos(b) - sin(a) * sin(b)


def _sin_sum(a: Tensor, b: Tensor) -> Tensor:
    return sin(a) * cos(b) + cos(a) * sin(b)


@register(
    "RobotArm_6DOF",
    source=ARM,
    points=1000,
    published={"forward": 397, "reverse": 301, "eliminate": 231},
)
def robot_arm() -> tuple[Tensor, Any, Sample]:
    """Six joint angles (radians) to the hand's position (mm) and its z-y-z Euler angles (radians).

    Angle sums are expanded and every expression is written out again where it is needed, as in the published graph.
    """
    x, (t1, t2, t3, t4, t5, t6) = scalars(6)
    c1, c2, c4, c5, c6 = (cos(t) for t in (t1, t2, t4, t5, t6))
    s1, s2, s4, s5, s6 = (sin(t) for t in (t1, t2, t4, t5, t6))
    c23, s23 = _cos_sum(t2, t3), _sin_sum(t2, t3)

    def approach_x() -> Tensor:
        return s5 * (c4 * (c1 * c23) + s1 * s4) + c5 * (c1 * s23)

    def approach_y() -> Tensor:
        return s5 * (c4 * (s1 * c23) - c1 * s4) + c5 * (s1 * s23)

    def approach_z() -> Tensor:
        return s5 * (c4 * s23) - c5 * c23

    def reach() -> Tensor:
        """Distance of the wrist from the first joint's axis."""
        return A1 + A2 * c2 + A3 * c23 + D4 * s23

    ax, ay, az = approach_x(), approach_y(), approach_z()
    nz = c6 * (c23 * s5 + c5 * (c4 * s23)) - s6 * (s4 * s23)
    oz = -s6 * (c23 * s5 + c5 * (c4 * s23)) - c6 * (s4 * s23)
    angles = atan2(ay, ax), atan2(sqrt(1 - az**2), az), atan2(oz, -nz)
    px = D6 * approach_x() + c1 * reach()
    py = D6 * approach_y() + s1 * reach()
    pz = D1 + A2 * s2 + A3 * s23 - D4 * c23 + D6 * approach_z()
    return stack([px, py, pz, *angles]), x, lambda rng: rng.uniform(-1.2, 1.2, 6)
