"""The 6 x 6 Jacobian of a six-joint arm at many points, in float64, against JAX's two modes.

python -m benchmarks.arm --points 100000 --threads 1 --rounds 15 --json build/arm.json
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.harness import Contender, race
from benchmarks.report import save, show

CONTENDERS = {
    "graphad": ("graphad_arm", "fresh"),
    "graphad, out=": ("graphad_arm", "out"),
    "jax jacfwd": ("jax_arm", "jacfwd"),
    "jax jacrev": ("jax_arm", "jacrev"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path)
    known = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:  # empty, so that compiling is timed
        contenders = [
            Contender(
                name,
                f"benchmarks.peers.{module}",
                ("--batch", str(known.points), "--threads", str(known.threads), "--task", task),
                {"GRAPHAD_CACHE_DIR": f"{cache}/{task}", "OMP_NUM_THREADS": str(known.threads)},
            )
            for name, (module, task) in CONTENDERS.items()
        ]
        results = race(contenders, known.rounds)
    title = f"Jacobian of a six-joint arm, {known.points:,} points, float64, {known.threads} thread(s)"
    show(title, results, "jax jacfwd")
    for result in results:
        print(result.name, result.failed or result.facts)
    if known.json:
        save(known.json, {title: results}, points=known.points, threads=known.threads)


if __name__ == "__main__":
    main()
