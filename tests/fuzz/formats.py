"""Files of every format that graphad reads, damaged: they are read, or refused by an error of graphad's."""

from __future__ import annotations

import atexit
import functools
import gzip
import json
import shutil
import struct
import tempfile
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

import graphad as ga
from graphad import tuning
from graphad.compiler.ir.text import large_constants, parse, to_text
from graphad.compiler.model import store
from graphad.compiler.model.machine import TYPICAL
from graphad.data import idx
from graphad.runtime import ArraySpec, CacheWarning, GraphadError, Layout, Program
from graphad.runtime.code import Code
from graphad.runtime.known import Record
from graphad.runtime.schema import parse_json
from graphad.train import snapshot
from tests.fuzz.mutations import damaged, dumped, restructured
from tests.train.toy import toy

Split = Callable[[bytes], tuple[Any, Callable[[Any], bytes]]]
"""The JSON in a file, and how the file is made of it."""


@dataclass(frozen=True)
class Format:
    """Files of one format: whole ones, how they are read, and where there is JSON in them."""

    samples: Callable[[], list[bytes]]
    read: Callable[[Path], object]
    split: Split | None = None
    pack: Callable[[bytes], bytes] = bytes

    def check(self, seed: int) -> bool:
        """Whether the damaged file was read. Errors: whatever is not graphad's."""
        rng = np.random.default_rng(seed)
        samples = self.samples()
        path = folder() / "file"
        path.write_bytes(self.pack(self.damage(rng, samples[int(rng.integers(len(samples)))])))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", CacheWarning)
                self.read(path)
        except GraphadError:
            return False
        return True

    def damage(self, rng: np.random.Generator, data: bytes) -> bytes:
        """By structure or by bytes, or both."""
        if self.split is not None and rng.random() < 0.6:
            value, join = self.split(data)
            data = join(restructured(rng, value))
            if rng.random() < 0.8:
                return data
        return damaged(rng, data)


@functools.cache
def folder() -> Path:
    """This process's own."""
    path = Path(tempfile.mkdtemp(prefix="fuzz-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def whole(data: bytes) -> tuple[Any, Callable[[Any], bytes]]:
    """A file that is JSON."""
    return json.loads(data), dumped


def first_line(data: bytes) -> tuple[Any, Callable[[Any], bytes]]:
    """A file whose first line is JSON."""
    head, _, rest = data.partition(b"\n")
    return json.loads(head), lambda value: dumped(value) + b"\n" + rest


def header(data: bytes) -> tuple[Any, Callable[[Any], bytes]]:
    """A safetensors file; the JSON inside of its header's metadata is taken apart, too."""
    length = int.from_bytes(data[:8], "little")
    head = json.loads(data[8 : 8 + length])
    facts = json.loads(head["__metadata__"]["graphad"])

    def join(value: Any) -> bytes:
        if isinstance(value, list) and len(value) == 2:
            head, facts = value
            if isinstance(head, dict) and isinstance(head.get("__metadata__"), dict):
                head["__metadata__"]["graphad"] = json.dumps(facts)
            value = head
        text = dumped(value)
        return struct.pack("<Q", len(text)) + text + data[8 + length :]

    return [head, facts], join


@functools.cache
def _training() -> Any:
    return toy()


@functools.cache
def _checkpoints() -> list[bytes]:
    _training().fit(2, folder())
    return [(folder() / snapshot.LAST).read_bytes()]


def _load_checkpoint(path: Path) -> None:
    found = _training()
    before = {name: value.copy() for name, value in found.weights().items()}
    try:
        history = snapshot.load(path, found.model, found.optimizer)
        assert len(history) >= 0
        assert str(history)
        assert history.best is None or history.best_epoch is not None
        snapshot.load_model(path, found.model)
    except GraphadError:
        for name, value in found.weights().items():
            np.testing.assert_array_equal(value, before[name], err_msg="it was refused, but set")
        raise


@functools.cache
def _functions() -> list[tuple[ga.Tensor, ga.Tensor]]:
    x, v = ga.input("x", (3,), "float64"), ga.input("v", (4,), "float64")
    w = ga.constant(np.arange(1.0, 10.0).reshape(3, 3) / 10)
    a, b, c, d = (v[i] for i in range(4))
    u = ga.sin(a * b) + c
    return [
        (ga.tanh(w @ ga.exp(w @ ga.sin(x))), x),
        (ga.stack([u * d + a, ga.exp(u) / d, a * u]), v),
    ]


@functools.cache
def _plans() -> list[bytes]:
    found = []
    for y, x in _functions():
        plan = ga.plan_jacobian(y, x)
        for mode in plan.candidates:
            replace(plan, chosen=mode).save(folder() / "plan")
            found.append((folder() / "plan").read_bytes())
    return found


def _load_plan(path: Path) -> None:
    """For each function: a damaged fingerprint is an error, too."""
    graphs = [json.loads(sample)["graph"] for sample in _plans()]
    text = path.read_text(errors="replace")
    for (y, x), graph in zip(_functions(), dict.fromkeys(graphs), strict=True):
        if graph in text:
            assert str(ga.load_plan(path, y, x))


@functools.cache
def _arrays() -> list[bytes]:
    found = []
    for dtype in idx.DTYPES.values():
        for shape in ((), (3,), (2, 3, 4), (0, 5)):
            idx.write(folder() / "array", np.ones(shape, dtype))
            found.append((folder() / "array").read_bytes())
    return found


def _read_array(path: Path) -> None:
    found = idx.read(path)
    assert found.nbytes <= path.stat().st_size * 1100 + 1000


@functools.cache
def _machines() -> list[bytes]:
    store.save(replace(TYPICAL, calibrated="2026-01-02"))
    return [store.save(replace(TYPICAL, caches=(1000, 2000))).read_bytes()]


def _load_machine(path: Path) -> None:
    found = store._load(path)
    assert found.seconds(dict.fromkeys(TYPICAL.rates, 1.0)) >= 0.0
    assert found.level(1500.0) >= 0


def _records() -> list[bytes]:
    specs = (ArraySpec("x", "float32", 2), ArraySpec("y", "float64", 0))
    table = np.arange(6, dtype=np.int64).reshape(2, 3)
    program = Program("f", "", specs, specs[:1], specs[1:], (table, np.array(True)), 2, ("k0", "k1"), True)
    layout = Layout((3,), (0, 64), 128, ((2, 3),), 2)
    code = Code((b"an object", b"another"))
    measured = dumped([0, {"batch": "lanes"}, {"batch": {"lanes": 0.1}}]) + b"\n"
    return [Record("0" * 40, program, layout, (4,)).to_bytes(), code.to_bytes(), measured]


def _read_record(path: Path) -> None:
    data, refused = path.read_bytes(), 0
    for read in (Record.from_bytes, Code.from_bytes, lambda data: parse_json(data, tuning.REMEMBERED)):
        try:
            read(data)
        except GraphadError:
            refused += 1
    if refused == 3:
        raise GraphadError("none of these")


GRAPH: Final = """
    %0: float32[N,4] = input "x"
    %1: float32[4] = parameter "layers.0 w"
    %2: int64[] = state "counter"
    %4: float64[2,2] = constant [[0.0, -0.0], [1e-300, 2.5]]
    %5: int64[] = size 2*N+1
    %6: int64[N,4] = index axis=0
    %7: float32[N,4] = view(%1)[i1]
    %8: float32[N,4] = add(%0, %7) as "pre activation"
    %9: float32[N,6,2] = view(%8)[i0, 2*i1+i2-1?] fill=-inf
    %10: float32[N,4] = fold(%9)[i0, 2*i1+i2-1?] fill=-inf
    %11: float32[4,7] = view(%1)[(i1-1)/2?] fill=0.0
    %12: float32[4*N] = reshape(%10)
    %13: float32[N] = max(%10) axes=[1]
    %14: float32[N,4] = cumulative_sum(%10) axis=1 reverse
    %15: float32[N,N] = contract(%10, %14)[ij,kj->ik]
    %16: int64[3] = constant [0, 1, 0]
    %17: float32[N,3] = gather(%0, %16) axis=1
    %18: float32[N,4] = scatter(%16, %17) axis=1
    %20: float32[((N+1)//2),4] = view(%0)[2*i0, i1]
    %22: float32[2*N,4] = join(%18, %14) axis=0
    update %2 = %2
    return %4, %5, %6, %11, %12, %13, %15, %20, %22
"""


def _read_text(path: Path) -> None:
    graph = parse(path.read_bytes().decode("latin-1"))
    text = to_text(graph)
    assert to_text(parse(text, large_constants(graph))) == text


def _packed(data: bytes) -> bytes:
    """Half of them as gzip files, some of which inflate to far more than they should."""
    if len(data) % 2:
        return data
    return gzip.compress(data, 1) + (_zeros() if len(data) % 16 == 0 else b"")


@functools.cache
def _zeros() -> bytes:
    """A part of a gzip file, 300 KB that inflate to 256 MiB."""
    packer = zlib.compressobj(1, wbits=31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(256)) + packer.flush()


checkpoints: Final = Format(_checkpoints, _load_checkpoint, header).check
plans: Final = Format(_plans, _load_plan, whole).check
idx_files: Final = Format(_arrays, _read_array, pack=_packed).check
machine: Final = Format(_machines, _load_machine, whole).check
cached: Final = Format(_records, _read_record, first_line).check
graph_text: Final = Format(lambda: [GRAPH.encode()], _read_text).check
