"""What lowering the kernels of one graph shares: storage, guards, options."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.picks import Picks
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.storage import Storage
from graphad.compiler.options import Options


@dataclass(eq=False)
class Context:
    """``stored``: where each stored node lies; ``guards``: the node of each failure code, less one.

    ``helpers``: how many kernels there are that kernels call. ``few``: the batch is a handful of examples.
    ``most``: what sizes with names are at most, where the program is for those only.
    ``picks``: answers to what may be done in several ways. ``ones``: by the name of a batch, nodes as they are for one
    example.
    """

    stored: Mapping[Node, Storage]
    options: Options
    guards: list[Node] = field(default_factory=list)
    locals: list[Storage] = field(default_factory=list)
    choices: dict[Node, str] = field(default_factory=dict)
    helpers: int = 0
    few: bool = False
    most: Mapping[str, int] = field(default_factory=dict)
    picks: Picks = field(default_factory=Picks)
    ones: dict[str, dict[Node, Node]] = field(default_factory=dict)

    def with_stored(self, node: Node, storage: Storage) -> "Context":
        """The same with one more stored node."""
        return replace(self, stored={**self.stored, node: storage})

    def local(self, dtype: str, size: Dim, per_part: bool = False) -> Storage:
        """New memory in the arena."""
        storage = Storage("local", len(self.locals), dtype, size, per_part)
        self.locals.append(storage)
        return storage

    def builder(self, stem: str, nodes: Iterable[Node]) -> tuple[Builder, Puller]:
        """A builder for a kernel that computes ``nodes``, and a puller that evaluates them inside it."""
        builder = Builder(stem)
        builder.kernel.strict = self.options.precision == "strict"
        return builder, Puller(builder, self.stored, self.guards, frozenset(nodes))
