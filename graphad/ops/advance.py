"""A value that brings a state's next one with it."""

from dataclasses import dataclass
from typing import Final

from graphad.build import TensorLike, as_tensor, make
from graphad.compiler.ir.kinds import View
from graphad.compiler.ir.op import AliasOp, register
from graphad.compiler.ir.view import identity
from graphad.tensor import State, Tensor, operator

ADVANCE: Final = AliasOp(name="advance")
register(ADVANCE)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class AdvanceOp(AliasOp):
    """An alias: whoever computes it gives ``state`` the value ``new``. ``ga.compile`` collects it."""

    state: State
    new: Tensor


@operator("advance")
def advance(state: State, new: Tensor, y: TensorLike) -> Tensor:
    """See ``State.advance``."""
    tensor = as_tensor(y, "advance")
    return make(AdvanceOp(name=ADVANCE.name, state=state, new=new), View(identity(tensor.shape)), (tensor,))
