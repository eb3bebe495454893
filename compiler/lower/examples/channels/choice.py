"""Whether channels of an operand go into the lanes of a weights' gradient, or examples stay there."""

from collections.abc import Sequence
from typing import Final

from graphad.compiler.ir.dtypes import ITEMSIZE
from graphad.compiler.ir.kinds import Contract
from graphad.compiler.ir.node import Node
from graphad.compiler.lower.examples.channels.plan import Plan, plan
from graphad.compiler.lower.examples.operands import Operand, extents
from graphad.compiler.lower.examples.weights import cycles
from graphad.compiler.lower.picks import Picks
from graphad.compiler.lower.target import Target

EXAMPLES: Final = "examples in the lanes"
CHANNELS: Final = "channels in the lanes"


def choose_plan(
    anchor: Node, operands: tuple[Operand, Operand], block: int, machine: Target, picks: Picks
) -> Plan | None:
    """The plan, where it is the cheaper, or was picked; None for sums over examples in the lanes."""
    kind = anchor.kind
    assert isinstance(kind, Contract)
    sizes = extents((kind.left, kind.right), [o.type.shape for o in anchor.operands])
    found = plan(kind, operands, sizes, block, machine, ITEMSIZE[anchor.type.dtype])
    if found is None:
        return None
    own = cycles(kind, operands, sizes, machine)
    question = f"gradient of {anchor.type}, {_words(anchor.operands)}"
    picks.asked.setdefault(anchor, question)
    answer = picks.cheapest(question, {EXAMPLES: own, CHANNELS: found.cycles})
    return found if answer == CHANNELS else None


def _words(operands: Sequence[Node]) -> str:
    return " by ".join(str(o.type) for o in operands)
