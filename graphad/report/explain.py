"""What the compiler did with a function, and what it chose."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from graphad.compiler.build import Built
from graphad.compiler.interpret import number
from graphad.compiler.ir.dtypes import ITEMSIZE
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.verify import needs_kernel
from graphad.compiler.pipeline import PASSES, Stage
from graphad.report.profile import layers_of, lines_of
from graphad.specialization import Specialization
from graphad.text import Text, bytes_text, table, time_text
from graphad.tuning import BATCH

SHOWN: Final = 3  # ways in the reason for one
_WHY: Final = {
    "im2col": "windows are packed into a panel, block by block, then multiplied as matrices",
    "matrix product": "the operands are matrices already, up to strides and packing",
    "matrix product, folded back": "the product of each block is summed into place while it is in the cache",
    "direct loop nest": "asked for by Options(convolution='direct')",
    "rows of the matrix, weighted and added": "a vector meets rows that lie in memory: read once, without packing",
    "loop nest": "too small, or one column only: packing would cost more than the product",
}
_REASONS: Final = {step.name: step.reason for step in PASSES}


def explain(last: Specialization, target: str) -> Text:
    """Stages, kernels, contractions, memory, and the machine code of one specialisation."""
    built = last.compiled.built
    parts = [
        _head(last, target),
        stage_table(built.own_stages),
        _kernels(last, built),
        _contractions(last, built),
        _memory(last, built),
        _code(last),
    ]
    return Text("\n\n".join(part for part in parts if part) + "\n")


def stage_table(stages: Sequence[Stage]) -> str:
    """Each stage with the nodes before and after it, and its time."""
    rows = []
    before = len(stages[0].graph.nodes)
    for stage in stages:
        after = len(stage.graph.nodes)
        why = {"graph": "as written", "fuse": "nodes to kernels", "lower": "kernels to loops, loops to text"}
        reason = why.get(stage.name) or _REASONS.get(stage.name, "")
        rows.append((stage.name, str(before), str(after), f"{stage.seconds * 1e3:.1f}", reason))
        before = after
    return table(("stage", "nodes before", "after", "ms", "why here"), rows, right="123")


def _head(last: Specialization, target: str) -> str:
    sizes = ", ".join(f"{name}={n}" for name, n in sorted(last.sizes.items()))
    where = f" for {sizes}" if sizes else ""
    threads = f"{last.threads} thread" + ("s" if last.threads > 1 else "")
    work = f"{last.cost.flops:,} flops and {bytes_text(last.cost.bytes)} moved a call"
    return f"target {target}, {threads}{where}: {work}"


def _kernels(last: Specialization, built: Built) -> str:
    rows = []
    for i, (launch, cost) in enumerate(zip(built.lowered.launches, last.cost.by_kernel, strict=True)):
        ops = ", ".join(dict.fromkeys(n.op.name for n in launch.nodes if needs_kernel(n) and n.op.name != "view"))
        name = f"k{i}_{launch.kernel.name}"
        rows.append((name, f"{cost.flops:,}", layers_of(cost.layers), lines_of(built, i), launch.note or ops))
    return table(("kernel", "flops", "layer", "lines", "computes"), rows, right="1")


def _contractions(last: Specialization, built: Built) -> str:
    rows = [
        (_who(node, built), " x ".join(str(built.written(x.type)) for x in node.operands), how, _why(last, node, how))
        for node, how in built.lowered.choices.items()
    ]
    found = table(("contraction", "operands", "done as", "why"), rows) if rows else ""
    tuned = last.compiled.tuned
    if tuned and BATCH in tuned.seconds:
        found += f"\n\nbatch: {_listed(tuned.seconds[BATCH], time_text)} a call, measured"
    return found


def _why(last: Specialization, node: Node, how: str) -> str:
    """What was measured, or counted, of each way; else what the way is good for."""
    picks, tuned = last.compiled.built.lowered.picks, last.compiled.tuned
    question = picks.asked.get(node, "")
    if tuned and question in tuned.seconds:
        return f"{_listed(tuned.seconds[question], time_text)} a call, measured"
    if question in picks.cycles and len(picks.cycles[question]) > 1:
        return f"{_listed(picks.cycles[question], lambda c: f'{c / 1e3:.0f}')} thousand cycles a block, counted"
    return _WHY.get(how, "")


def _listed(costs: Mapping[str, float], text: Callable[[float], str]) -> str:
    """The quickest ways with their costs."""
    best = sorted(costs, key=costs.__getitem__)[:SHOWN]
    return ", ".join(f"{name} {text(costs[name])}" for name in best)


def _who(node: Node, built: Built) -> str:
    return f"{node.site.layer or node.label or node.op.name}: {built.written(node.type)}"


def _memory(last: Specialization, built: Built) -> str:
    sizes = built.own_sizes(last.sizes)
    arena = last.instance.bytes
    whole = sum(
        number(s.size, sizes) * ITEMSIZE[s.dtype] * (last.threads if s.per_part else 1) for s in built.lowered.locals
    )
    placed = [s for n, s in built.lowered.assignment.stored.items() if s.place == "local" and s in built.lowered.locals]
    inplace = sum(number(s.size, sizes) * ITEMSIZE[s.dtype] * (placed.count(s) - 1) for s in dict.fromkeys(placed))
    parameters = sum(s.nbytes for s in last.storages)
    return "\n".join(
        [
            f"memory: arena {bytes_text(arena)}; {bytes_text(whole)} if nothing were reused",
            f"        results written over operands save {bytes_text(inplace)}; "
            f"{len(built.lowered.graph.updates)} updates, {len(built.lowered.assignment.copies)} by a copy at the end",
            f"        parameters and states {bytes_text(parameters)}",
        ]
    )


def _code(last: Specialization) -> str:
    code = last.compiled.executable
    how = "loaded from the cache" if code.from_cache else "compiled"
    return f"machine code: {how} in {time_text(code.compile_seconds)}\nsource: {code.source_path}"
