"""How a batch goes into the lanes of vectors."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lanes:
    """``share``: a vector fills a register (1) or half of it (2). ``one_block``: there is one block of examples.

    Of one block, threads share the loops of every kernel; of more, each has its own blocks.
    """

    share: int = 1
    one_block: bool = False
