"""Values that are constants to AD."""

from graphad.build import TensorLike, as_tensor, make
from graphad.compiler.ir.kinds import View
from graphad.compiler.ir.op import AliasOp, register
from graphad.compiler.ir.view import identity
from graphad.tensor import Tensor

STOP = AliasOp(name="stop_gradient")
register(STOP)


def stop_gradient(x: TensorLike) -> Tensor:
    """``x`` as a value that does not depend on anything: its derivative is zero.

    >>> import graphad as ga
    >>> x = ga.input("x", ())
    >>> ga.evaluate(ga.grad(x * stop_gradient(x), x), {x: 3.0})
    array(3., dtype=float32)
    """
    tensor = as_tensor(x, "stop_gradient")
    return make(STOP, View(identity(tensor.shape)), (tensor,))
