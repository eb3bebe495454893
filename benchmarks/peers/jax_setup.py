"""What has to be said before JAX is imported; `import jax` comes after a call of it."""

import os


def prepare(threads: int, float64: bool = False) -> None:
    """On the CPU, with so many threads: the process is bound to as many cores, and one thread has no pool at all."""
    if threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ["JAX_PLATFORMS"] = "cpu"
    if float64:
        os.environ["JAX_ENABLE_X64"] = "1"
