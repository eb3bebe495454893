"""A region's only block of examples: launches whose loops threads share."""

from graphad.compiler.ir.node import Node
from graphad.compiler.lower.builder import Launch, sites_of
from graphad.compiler.lower.examples.driver import Driver


class Single(Driver):
    """One block: a launch for each kernel, whose loops threads share."""

    def launches(self, nodes: tuple[Node, ...], sums: bool) -> list[Launch]:
        """All launches in order; the first clears the sums."""
        found = [self._cleared()] if sums else []
        for launch in found:
            launch.note = "pack"
        known: set[tuple[Node, ...]] = set()  # a kernel's nodes belong to the first of its launches
        for part in self.parts:
            *before, last = part.alone(self)
            for launch in before:
                launch.nodes, launch.note = (), "pack"
            last.nodes = part.nodes if part.nodes not in known else ()
            last.note = "" if last.nodes else "pack"
            last.kernel.sites = last.kernel.sites or sites_of(last.nodes)
            known.add(part.nodes)
            found += [*before, last]
        return found

    def _cleared(self) -> Launch:
        self.builder = self.context.builder("clear", ())[0]
        self._clear(0)
        self.builder.kernel.parallel = False
        return self.builder.launch(())
