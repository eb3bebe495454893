"""Chains: is the optimum that of an exhaustive search, and how long do 500 factors take?

    python -m benchmarks.chains [--chains 10000] [--seed 0]

Prints a line for each question. Times include the compiling of the loop, each in its own process, import excluded.
"""

import argparse
import random
import subprocess
import sys
import time
from collections.abc import Sequence

from graphad.chain import Factor, Solution, solve
from tests.chain.exhaustive import all_costs, random_chain

KINDS = {  # sizes and costs of 500 factors
    "64-bit": (100, 10**5),
    "wide": (10**8, 10**20),
    "wide, all alike": (10**8, 10**20),
    "wide, given matrices alike": (10**8, 0),
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chains", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--time", nargs=2, metavar=("KIND", "THREADS"), help="one timing, in this process")
    options = parser.parse_args(arguments)
    if options.time:
        print(timing(options.time[0], int(options.time[1])))
        return
    print(search(options.chains, options.seed))
    print(worth(options.seed))
    for kind, threads in [(kind, 1) for kind in KINDS] + [("64-bit", 2), ("64-bit", 8), ("64-bit", 64), ("wide", 8)]:
        command = [sys.executable, "-m", "benchmarks.chains", "--time", kind, str(threads)]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


def search(chains: int, seed: int) -> str:
    """Compares the optimum, and the shortest time on unlimited threads, with those over all bracketings."""
    rng = random.Random(seed)
    wrong = seen = 0
    for _ in range(chains):
        cost = rng.choice([1, 5, 30, 200, 10**4])
        chain = random_chain(rng, rng.randint(2, 8), rng.choice([2, 8, 30]), cost, rng.choice([0.0, 0.3]))
        limit = rng.choice([None, rng.randint(0, 2 * cost), rng.randint(0, 8 * cost)])
        matrix_free = rng.random() < 0.8
        every = all_costs(chain, limit, matrix_free)
        answer = solve(chain, limit, len(chain), matrix_free)
        shortest = all_costs(chain, limit, matrix_free, parallel=True).min()
        seen += every.size
        wrong += answer.cost != every.min() or answer.schedule.makespan != shortest
    return f"{chains} chains of 2 to 8 factors, {seen:,} bracketings: {wrong} differ from the exhaustive search"


def worth(seed: int) -> str:
    """How much cheaper than the better single mode, on chains as published: sizes and costs at random."""
    rng = random.Random(seed)
    ratios = sorted(_ratio(solve(random_chain(rng, 100, 100, 10**4))) for _ in range(100))
    return f"100 factors: {ratios[0]:.1f} to {ratios[-1]:.1f} times cheaper than one mode, median {ratios[50]:.1f}"


def _ratio(answer: Solution) -> float:
    return min(answer.tangent_only, answer.adjoint_only) / answer.cost


def timing(kind: str, threads: int) -> str:
    """Seconds for 500 factors in a fresh process, and again."""
    size, cost = KINDS[kind]
    chain = random_chain(random.Random(5), 500, size, cost, given=float(not cost))
    if "alike" in kind:
        chain = [Factor(size, size, cost, cost) if cost else Factor(size, size)] * 500
    seconds = []
    for _ in range(2):
        started = time.perf_counter()
        answer = solve(chain, threads=threads)
        seconds.append(time.perf_counter() - started)
    plan = answer.schedule
    speed = f", {answer.cost / plan.makespan:.2f}x faster, at most {answer.cost / plan.lower_bound:.2f}x"
    return (
        f"500 factors, {kind}, {threads} threads: {seconds[0]:.2f} s with compiling, {seconds[1]:.2f} s without"
        f"{speed if threads > 1 else ''}"
    )


if __name__ == "__main__":
    main()
