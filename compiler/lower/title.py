"""What a kernel is called."""

from graphad.compiler.ir.graph import Kernel


def title(kernel: Kernel) -> str:
    """A word for its name: what it ends with. Layers and labels are the user's words, which stand in comments only."""
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in kernel.stores[-1].op.name)
