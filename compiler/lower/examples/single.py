"""A region's only block of examples: launches whose loops threads share."""

from graphad.compiler.ir.node import Node
from graphad.compiler.lower.builder import Launch
from graphad.compiler.lower.examples.driver import Driver


class Single(Driver):
    """One block: a launch for each kernel, whose loops threads share."""

    def launches(self, nodes: tuple[Node, ...], sums: bool) -> list[Launch]:
        """All launches in order; the first clears the sums."""
        found = [self._cleared()] if sums else []
        for part in self.parts:
            found += part.alone(self)
        found[-1].nodes = nodes
        for launch in found[:-1]:
            launch.nodes, launch.note = (), "pack"
        return found

    def _cleared(self) -> Launch:
        self.builder = self.context.builder("clear", ())[0]
        self._clear(0)
        self.builder.kernel.parallel = False
        return self.builder.launch(())
