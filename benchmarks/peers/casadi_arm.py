"""The arm's Jacobian in CasADi: its C for one point, in a loop over the points, made by the C compiler.

The wrapper's loop is the compiler's to inline and to vectorise; threads share it by OpenMP.
"""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import casadi
import numpy as np

from benchmarks.arm_function import POINTS, arm, joints
from benchmarks.worker import Task, arguments, digest, serve

FLAGS = {"O3": ("-O3",), "Ofast": ("-Ofast",)}
LIBRARY = SimpleNamespace(sin=casadi.sin, cos=casadi.cos, sqrt=casadi.sqrt, arctan2=casadi.atan2)
LOOP = """
void all(const double *x, double *y, long n, int threads) {
  #pragma omp parallel for num_threads(threads) schedule(static)
  for (long i = 0; i < n; i++) {
    const double *arg[1] = {x + 6 * i};
    double *res[1] = {y + 36 * i};
    arm_jacobian(arg, res, 0, 0, 0);
  }
}
"""


def source() -> str:
    """C of the Jacobian, common expressions shared; row by row, as the others store it."""
    q = casadi.SX.sym("q", 6)
    values = casadi.vertcat(*arm(LIBRARY, [q[k] for k in range(6)]))
    jacobian = casadi.cse(casadi.densify(casadi.jacobian(values, q)).T)
    generator = casadi.CodeGenerator("arm", {"with_header": False})
    generator.add(casadi.Function("arm_jacobian", [q], [jacobian]))
    text: str = generator.dump()
    return text + LOOP


def build(folder: Path, form: str) -> ctypes.CDLL:
    """The library that the C compiler makes."""
    (folder / "arm.c").write_text(source())
    flags = (*FLAGS[form], "-march=native", "-fopenmp", "-shared", "-fPIC")
    subprocess.run(["cc", *flags, "arm.c", "-o", "arm.so", "-lm"], cwd=folder, check=True, capture_output=True)
    return ctypes.CDLL(str(folder / "arm.so"))


def task(form: str, threads: int) -> Task:
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        library = build(Path(folder), form)
    x, y = joints(), np.empty((POINTS, 6, 6))
    places = [ctypes.c_void_p(a.ctypes.data) for a in (x, y)]

    def call() -> None:
        library.all(*places, ctypes.c_long(POINTS), ctypes.c_int(threads))

    call()
    facts = {"version": casadi.__version__, "compile_seconds": time.perf_counter() - start, "check": digest([y])}
    return Task(call, facts=facts)


if __name__ == "__main__":
    known = arguments(["jacobian"])
    serve(lambda: task(known.form, known.threads))
