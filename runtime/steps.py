"""``run`` of a program with many kernels, as a table that a loop walks: code for each shape of a step.

    stamp(clock, part, 7)                                    word0, word1, word2 = words 7, 3, 128
    k2_map_tanh(offset(float32_at(table, 3), 128), ...)  ->  stamp(clock, part, word0)
    barrier(sync, part, parts)                               k2_map_tanh(offset(float32_at(table, word1), word2), ...)
                                                             barrier(sync, part, parts)

A step is what is done up to a barrier, its shape the text without the whole numbers in it. These are data, and so cost
next to nothing to compile, where the code of every step passes through all of LLVM.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Any

from graphad.runtime.expressions import Value
from graphad.runtime.ir import ir
from graphad.runtime.run_body import WORDS, RunBody, run_type
from graphad.runtime.units import Units

_NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")
_SIZE = re.compile(r"    \w+ = .*")
I64 = ir.IntType(64)


class _StepBody(RunBody):
    """Writes a step: answers where the next one's words are, or null where the run is over."""

    def __init__(self, function: Any, units: Units, sizes: Sequence[ast.stmt], text: str) -> None:
        self.words = function.args[-1]
        count = len(_NUMBER.findall(text))
        numbers = iter(range(count))
        step = ast.parse(_NUMBER.sub(lambda _: f"word{next(numbers)}", text)).body
        super().__init__(function, units)
        for k in range(count):
            word = self.builder.load(self.builder.gep(self.words, [I64(k)]))
            self.arguments[f"word{k}"] = Value(word, "int64")
        self.block(sizes)
        self.block(step)
        self.builder.ret(self.builder.gep(self.words, [I64(count)]))

    def leave(self) -> None:
        self.builder.ret(WORDS(None))


def write_steps(module: Any, text: str, units: Units) -> Any:
    """``run`` of the text, a function of the module."""
    head, steps = _steps(text)
    sizes = ast.parse("\n".join(line.strip() for line in head)).body
    shapes: dict[str, int] = {}
    samples: list[str] = []
    words: list[str] = []
    for step in steps:
        shape = shapes.setdefault(_NUMBER.sub("0", step), len(shapes))
        if shape == len(samples):
            samples.append(step)
        words += (str(shape), *_NUMBER.findall(step))
    kind = ir.FunctionType(WORDS, [*run_type().args, WORDS])
    functions = [ir.Function(module, kind, f"step{k}") for k in range(len(samples))]
    for function, sample in zip(functions, samples, strict=True):
        function.linkage = "internal"
        _StepBody(function, units, sizes, sample)
    return _write_walk(module, functions, words)


def _steps(text: str) -> tuple[list[str], list[str]]:
    """The lines that set sizes, and the steps."""
    lines = [line for line in text.splitlines()[1:] if line.strip() and not line.lstrip().startswith("#")]
    count = next((i for i, line in enumerate(lines) if not _SIZE.fullmatch(line)), len(lines))
    return lines[:count], list(_cut(lines[count:]))


def _cut(lines: Sequence[str]) -> Iterator[str]:
    step: list[str] = []
    for line in lines:
        step.append(line[4:])
        if line.startswith("    barrier("):
            yield "\n".join(step)
            step = []
    if step:
        yield "\n".join(step)


def _write_walk(module: Any, functions: Sequence[Any], words: Sequence[str]) -> Any:
    """The loop: a step's first word says which function it is."""
    first = _constant(module, "words", I64, [f"i64 {w}" for w in words])
    places = _constant(module, "steps", functions[0].type, [f"ptr {f.get_reference()}" for f in functions])
    run = ir.Function(module, run_type(), "run")
    run.linkage = "internal"
    builder = ir.IRBuilder(run.append_basic_block("entry"))
    start = builder.gep(first, [I64(0), I64(0)])
    end = builder.gep(first, [I64(0), I64(len(words))])
    blocks = {name: run.append_basic_block(name) for name in ("step", "more", "leave")}
    before = builder.block
    builder.branch(blocks["step"])
    builder.position_at_end(blocks["step"])
    place = builder.phi(WORDS)
    place.add_incoming(start, before)
    function = builder.load(builder.gep(places, [I64(0), builder.load(place)]))
    following = builder.call(function, [*run.args, builder.gep(place, [I64(1)])])
    builder.cbranch(builder.icmp_unsigned("==", following, WORDS(None)), blocks["leave"], blocks["more"])
    builder.position_at_end(blocks["more"])
    place.add_incoming(following, builder.block)
    builder.cbranch(builder.icmp_unsigned("==", following, end), blocks["leave"], blocks["step"])
    builder.position_at_end(blocks["leave"])
    builder.ret_void()
    return run


def _constant(module: Any, name: str, element: Any, items: Sequence[str]) -> Any:
    kind = ir.ArrayType(element, len(items))
    made = ir.GlobalVariable(module, kind, name)
    made.linkage, made.global_constant = "internal", True
    made.initializer = ir.FormattedConstant(kind, f"[{', '.join(items)}]")
    return made
