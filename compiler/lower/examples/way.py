"""How a batch goes into the lanes of vectors."""

from dataclasses import dataclass
from typing import Final

FEWEST: Final = 4
"""Examples from which on a batch goes into lanes, although it does not fill them."""


@dataclass(frozen=True, slots=True)
class Lanes:
    """``share``: a block of float32 fills a register (1), half of it (2) or a quarter (4). ``one_block``: there are no
    more examples than that.

    Of one block, threads share the loops of every kernel; of more, each has its own blocks.
    """

    share: int = 1
    one_block: bool = False
