"""LeNet-5 against the peers: the training step, what a gradient costs, and how long compiling takes.

python -m benchmarks.lenet --batch 64 --threads 1,2 --peer torch,jax --rounds 15 --json build/lenet.json
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.harness import Contender, Result, race, started
from benchmarks.report import save, show

# Keeps freed memory in the process: a torch step otherwise pays for fresh pages again and again.
MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": "8589934592",
    "MALLOC_TRIM_THRESHOLD_": "8589934592",
    "MALLOC_TOP_PAD_": "268435456",
}
PEERS = ("torch", "torch-compile", "jax")


def contender(name: str, batch: int, threads: int, task: str = "step", cache: str | None = None) -> Contender:
    """The worker of that name; `cache` is the folder in which graphad keeps compiled kernels."""
    arguments = ["--batch", str(batch), "--threads", str(threads), "--task", task]
    environment = {"OMP_NUM_THREADS": str(threads)}
    if name.startswith("torch"):
        environment |= MALLOC
    if name == "torch-compile":
        arguments.append("--compiled")
    if cache:
        environment["GRAPHAD_CACHE_DIR"] = cache
    label = name if task == "step" else f"{name} {task}"
    return Contender(label, f"benchmarks.peers.{name.split('-')[0]}_lenet", tuple(arguments), environment)


def steps(names: list[str], batch: int, threads: int, rounds: int) -> list[Result]:
    """The training step of every contender."""
    return race([contender(name, batch, threads) for name in names], rounds)


def gradient_cost(names: list[str], batch: int, threads: int, rounds: int) -> dict[str, Result]:
    """Print the time of loss and gradient over the time of the loss."""
    tasks = [contender(name, batch, threads, task) for name in names for task in ("loss", "gradient")]
    results = {result.name: result for result in race(tasks, rounds)}
    for name in names:
        value, gradient = results[f"{name} loss"], results[f"{name} gradient"]
        if value.seconds and gradient.seconds:
            print(f"{name}: loss and gradient take {gradient.median / value.median:.2f} times the loss")
        else:
            print(f"{name}: not run: {value.failed or gradient.failed}")
    return results


def compile_seconds(names: list[str], batch: int) -> dict[str, float | None]:
    """Print how long the step takes to compile in a fresh process; graphad with an empty and a filled cache."""
    with tempfile.TemporaryDirectory() as cache:
        runs = [("graphad cold", "graphad"), ("graphad warm cache", "graphad"), *((n, n) for n in names if n == "jax")]
        seconds = {label: _set_up_seconds(contender(name, batch, 1, cache=cache)) for label, name in runs}
    for label, taken in seconds.items():
        print(f"compile, {label}: " + ("not run" if taken is None else f"{taken:.3f} s"))
    return seconds


def _set_up_seconds(subject: Contender) -> float | None:
    with started(subject) as worker:
        return None if worker.failed else float(worker.facts["compile_seconds"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", default="1,2", help="comma-separated")
    parser.add_argument("--peer", default="torch,jax", help=f"comma-separated, of {', '.join(PEERS)}")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    peers = [name for name in options.peer.split(",") if name]
    if unknown := set(peers) - set(PEERS):
        parser.error(f"no peer {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    names = ["graphad", *peers]
    races: dict[str, list[Result]] = {}
    for threads in map(int, options.threads.split(",")):
        title = f"LeNet-5 training step, batch {options.batch}, threads {threads}"
        races[title] = steps(names, options.batch, threads, options.rounds)
        show(title, races[title], baseline=peers[0] if peers else "graphad")
    costs = gradient_cost(names, options.batch, 1, options.rounds)
    races["loss and gradient, 1 thread"] = list(costs.values())
    compiling = compile_seconds(names, options.batch)
    if options.json:
        save(options.json, races, compile_seconds=compiling)


if __name__ == "__main__":
    main()
