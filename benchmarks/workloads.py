"""What `graphad bench` times: each workload with its contenders, its operations and bytes, and what it has to reach."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec

from benchmarks import arm_function, arrays
from benchmarks.harness import Contender
from benchmarks.nets import MLP, NETS, Net
from benchmarks.operations import OPERATIONS, Operation

PEERS = {
    "torch": ("torch",),
    "jax": ("jax",),
    "onnxruntime": ("onnxruntime", "onnx"),
    "openvino": ("openvino", "onnx"),
    "pytensor": ("pytensor",),
    "casadi": ("casadi",),
    "numpy": ("numpy", "scipy"),
}
"""The peers, each with the packages that it needs."""

# Keeps freed memory in the process: else large results pay for fresh pages in every call. For all contenders alike.
MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": "8589934592",
    "MALLOC_TRIM_THRESHOLD_": "8589934592",
    "MALLOC_TOP_PAD_": "268435456",
}
COMPILED = "compiled"


@dataclass(frozen=True)
class Entry:
    """A contender: the peer (or graphad, or machine), the form in which it runs, its worker and its arguments."""

    peer: str
    form: str
    worker: str
    arguments: tuple[str, ...]
    takes_threads: bool = True

    def contender(self, threads: int) -> Contender:
        arguments = (*self.arguments, *(("--threads", str(threads)) if self.takes_threads else ()))
        environment = {"OMP_NUM_THREADS": str(threads), **MALLOC}
        return Contender(f"{self.peer} {self.form}".strip(), f"benchmarks.peers.{self.worker}", arguments, environment)


@dataclass(frozen=True)
class Workload:
    """Something to time.

    Attributes:
        group: the name under which it may be asked for together with its like.
        flops: operations of a call by the direct method; 0 where memory is the limit.
        bytes: that a call cannot but move.
        goal: what is required and what is aimed at, for the table.
        threads: numbers of threads with which it can run; None: any.
        quick: whether a quick run has it.
    """

    name: str
    group: str
    title: str
    entries: tuple[Entry, ...]
    flops: int = 0
    bytes: int = 0
    goal: str = ""
    threads: tuple[int, ...] | None = None
    quick: bool = True

    def contenders(self, peers: Collection[str], threads: int, compiled: bool = True) -> list[Contender]:
        """graphad, the machine, and those of the peers; torch.compile takes minutes and may be left out."""
        chosen = [e for e in self.entries if e.peer in peers or e.peer in ("graphad", "machine")]
        return [e.contender(threads) for e in chosen if compiled or e.form != COMPILED]


def missing(peer: str) -> list[str]:
    """The packages that the peer needs and that are not installed."""
    return [package for package in PEERS[peer] if find_spec(package) is None]


def select(names: Sequence[str], quick: bool = False) -> list[Workload]:
    """The workloads of these names or groups; without names all, or those of a quick run.

    Errors: KeyError with the name that there is not.
    """
    if not names:
        return [w for w in WORKLOADS if w.quick or not quick]
    chosen = []
    for name in names:
        found = [w for w in WORKLOADS if w.name == name] or [w for w in WORKLOADS if w.group == name]
        if not found:
            raise KeyError(name)
        chosen += found
    return chosen


def _net(name: str, title: str, goal: str, group: str = "", quick: bool = True) -> Workload:
    net = NETS[name]
    return Workload(name, group or name, title, _net_entries(name, net), net.flops, net.bytes, goal, quick=quick)


def _net_entries(name: str, net: Net) -> tuple[Entry, ...]:
    forms = ("eager", COMPILED, *(("frozen",) if net.kind == "forward" else ()))
    torch = [Entry("torch", form, "torch_net", (name, "--form", form)) for form in forms]
    models = [Entry(peer, "", f"{peer}_net", (name,)) for peer in ("onnxruntime", "openvino")]
    onnx = models if net.kind == "forward" else []
    pytensor = [Entry("pytensor", "", "pytensor_net", (name,))] if net.layers == MLP else []
    own, jax = Entry("graphad", "", "graphad_net", (name,)), Entry("jax", "", "jax_net", (name,))
    return (own, *torch, jax, *onnx, *pytensor, _machine("fma-float32"))


def _machine(task: str) -> Entry:
    return Entry("machine", task, "machine", (task,))


def _long(name: str, title: str, goal: str, quick: bool = True) -> Workload:
    entries = (Entry("graphad", "", "graphad_long", (name,)), Entry("jax", "", "jax_long", (name,)))
    return Workload(name, "compile", title, entries, goal=goal, quick=quick)


COPIES = (_machine("copy"), _machine("copy-streaming"))


def _array(name: str, title: str) -> Workload:
    torch = [Entry("torch", form, "torch_array", (name, "--form", form)) for form in ("eager", COMPILED)]
    own, jax = Entry("graphad", "", "graphad_array", (name,)), Entry("jax", "", "jax_array", (name,))
    entries = (own, *torch, jax, Entry("pytensor", "", "pytensor_array", (name,)), *COPIES)
    return Workload(name, name, title, entries, bytes=arrays.BYTES, goal="85 % / 95 % of copy")


def _operation(o: Operation) -> Workload:
    torch = [Entry("torch", form, "torch_operation", (o.name, "--form", form)) for form in ("eager", COMPILED)]
    own, jax = Entry("graphad", "", "graphad_operation", (o.name,)), Entry("jax", "", "jax_operation", (o.name,))
    entries = (own, *torch, jax, Entry("numpy", "", "numpy_operation", (o.name,)), *COPIES)
    return Workload(f"array-{o.name}", "arrays", o.title, entries, bytes=o.bytes, goal="0.9x / 1.2x", quick=False)


def _jacobian(
    name: str, title: str, own: Entry, jax: Entry, values: int, goal: str, others: Sequence[Entry] = ()
) -> Workload:
    forms = [replace(jax, form=form, arguments=(*jax.arguments, form)) for form in ("jacfwd", "jacrev")]
    only = None if own.takes_threads else (1,)
    count = 8 * values * arm_function.POINTS
    return Workload(name, name, title, (own, *forms, *others, *COPIES), bytes=count, goal=goal, threads=only)


LENET = "LeNet-5 training step, batch {}"
FEW = "0.9x / 1.3x"
ROE_ARGUMENTS = ("RoeFlux_1d", "--batch", str(arm_function.POINTS), "--mode")

WORKLOADS = (
    Workload(
        "machine", "machine", "what the machine can do", (_machine("fma-float32"), _machine("fma-float64"), *COPIES)
    ),
    *(_net(f"lenet-train-{n}", LENET.format(n), "4x / 7x", "lenet-train", n == 64) for n in (32, 64, 256, 1024)),
    _net("lenet-infer", "LeNet-5 inference, batch 256", "2x / 3.5x"),
    _net("lenet-infer-1", "LeNet-5 inference, batch 1, from and to NumPy", "1.5x / 3.5x"),
    _net("lenet-loss", "LeNet-5 loss, batch 64", "", quick=False),
    _net("lenet-gradient", "LeNet-5 loss and gradient, batch 64", "", quick=False),
    _net("vgg-block-train", "two convolutions 3x3, 64 channels, and max-pool, training, 16x64x32x32", "1.3x / 2.5x"),
    _net("vgg-block-forward", "the same, forward", "1.8x / 2.8x"),
    _net("mlp-train", "perceptron 784-512-512-10, training, batch 128", "1x JAX, 2x torch / 1.3x, 2.6x"),
    _net(
        "alexnet-conv1", "convolution 11x11 stride 4, 3 to 64 channels, 8x3x224x224, with all gradients", "1.3x / 2.2x"
    ),
    _net("mobile-block-train", "depthwise 3x3 and 1x1 to 128 channels, training, 16x64x32x32", "1.2x / 3x"),
    _net("conv1d-train", "four 1-d convolutions of 16,000 samples, training, batch 16", "1.2x / 3x"),
    _net("resnet-train", "two basic blocks of 64 channels, training, 16x64x32x32", "1.2x / 3x"),
    *(
        _net(f"{kind}-infer-{n}", title.format(n), FEW, "small-batch", n == 1)
        for kind, batches, title in (
            ("vgg", (1, 17, 33, 37), "two convolutions 3x3, 64 channels, and max-pool, inference, {}x64x32x32"),
            ("resnet", (1, 2, 4), "two basic blocks of 64 channels, inference, {}x64x16x16"),
            ("late", (1, 2, 4), "a basic block of 512 channels, inference, {}x512x4x4"),
            ("mobile", (1, 4), "two inverted residual blocks, inference, {}x96x14x14"),
        )
        for n in batches
    ),
    _net("mlp-infer", "perceptron 784-512-512-10, inference, batch 128", FEW, "small-batch"),
    _array("softmax-cross-entropy", "softmax cross-entropy with gradient, 64 MiB"),
    _array("layer-norm", "layer norm, 64 MiB"),
    _array("elementwise-chain", "ten elementwise operations, 64 MiB"),
    *map(_operation, OPERATIONS),
    _jacobian(
        "arm-jacobian",
        "6x6 Jacobian of a six-joint arm, 100,000 points, float64",
        Entry("graphad", "", "graphad_arm", ("jacobian",)),
        Entry("jax", "", "jax_arm", ("jacobian", "--form")),
        values=6 + 36,
        goal="40x JAX, 8x CasADi / 80x, 15x",
        others=[Entry("casadi", form, "casadi_arm", ("jacobian", "--form", form)) for form in ("O3", "Ofast")],
    ),
    _jacobian(
        "roe-jacobian",
        "3x6 Jacobian of Roe's Riemann solver, 100,000 points, float64, one thread",
        Entry("graphad", "", "graphad_modes", (*ROE_ARGUMENTS, "auto"), takes_threads=False),
        Entry("jax", "", "jax_modes", ROE_ARGUMENTS, takes_threads=False),
        values=6 + 18,
        goal="15x / 50x",
    ),
    Workload(
        "compile-cold",
        "compile",
        "LeNet-5 training step, seconds to its first result, nothing cached",
        (),
        goal="1 s / 0.3 s",
    ),
    Workload("compile-cached", "compile", "the same in a new process, cache filled", (), goal="0.05 s / 0.01 s"),
    _long("compile-resnet-2", "net of 2 residual blocks with batch norm, loss and gradients, the same", ""),
    _long("compile-resnet-15", "of 15 blocks", "", quick=False),
    _long("compile-resnet-60", "of 60 blocks", "12 s", quick=False),
    _long("compile-chain-1000", "chain of 1,000 elementwise functions, the same", ""),
    _long("compile-chain-5000", "of 5,000", "", quick=False),
    _long("compile-chain-20000", "of 20,000", "6 s", quick=False),
    _long("compile-rnn-100", "recurrent net, 100 steps unrolled, loss and gradients, the same", "2 s"),
    _long("compile-rnn-400", "400 steps", "", quick=False),
    _long("compile-results-1000", "function with 1,000 results, the same", "4 s", quick=False),
    _long("compile-determinant-7", "determinant 7 x 7 by expansion, and its gradient, the same", ""),
    _long("compile-ode-100", "100 steps of Runge and Kutta, and a gradient, the same", ""),
)
"""All workloads, in the order of the table."""
