"""Panels and transposes in vector registers: NumPy's numbers, from the translator and from Numba."""

import numpy as np
import pytest

from graphad.runtime import ArraySpec, Layout, Program, native
from graphad.runtime.instance import Instance
from tests.runtime.programs import HEAD, RUN, vector

FILL = 7.0


def run(text: str, dtype: str, inputs: list[np.ndarray], size: int, numba: bool = False) -> np.ndarray:
    """What the kernel `k(x, y, z)` of that text leaves in z, which is full of FILL before."""
    calls = ", ".join(f"{dtype}_at(table, {i})" for i in range(3))
    source = f"{HEAD}@kernel\ndef k(x, y, z):\n{text}{RUN}    k({calls})\n"
    specs: list[ArraySpec] = [vector(name, dtype) for name in "xyz"]
    program = Program("panels", source, tuple(specs[:2]), tuple(specs[2:]), (), (), 0, ("k",))
    code = native.through_numba(program, "panels", "<panels>") if numba else native.translated(program)
    out = np.full(size, FILL, dtype)
    Instance(program, code.linked(), Layout((), (), 0, ((size,),), 1), (), ()).run(inputs, [out])
    return out


def panel(
    rows: int, columns: int, depth: int, transposed: bool, add: int, width: int, tile: tuple[int, int], lanes: int = 16
) -> str:
    """z[:, :columns] = x y, with rows of z and y a few elements apart."""
    a_row, a_step = (1, rows) if transposed else (depth, 1)
    numbers = (rows, width, depth, columns + 3, a_row, a_step, columns + 1, columns, add, *tile, lanes)
    return f"    multiply_panel(z, x, y, x, {', '.join(map(str, numbers))})\n"


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
def test_products(dtype: str) -> None:
    rng = np.random.default_rng(0)
    columns = 8
    for rows, depth, transposed, add in ((1, 37, False, 0), (5, 0, True, 0), (6, 36, True, 1), (13, 37, False, 1)):
        x = rng.integers(-5, 6, (rows, depth)).astype(dtype)
        y = rng.integers(-5, 6, (depth, columns + 1)).astype(dtype)
        width = 8 if (rows + depth) % 2 else 5
        text = panel(rows, columns, depth, transposed, add, width, (6, columns))
        stored = np.ascontiguousarray(x.T if transposed else x)
        found = run(text, dtype, [stored.ravel(), y.ravel()], rows * (columns + 3)).reshape(rows, columns + 3)
        seen = np.where(np.arange(columns) < width, y[:, :columns], 0)
        np.testing.assert_array_equal(found[:, :columns], x @ seen + FILL * add)
        assert (found[:, columns:] == FILL).all()


def test_numba_writes_the_same() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal(13 * 37), rng.standard_normal(37 * 9)
    for width in (8, 5):
        text = panel(13, 8, 37, False, 1, width, (6, 8))
        ours, numbas = (run(text, "float64", [x, y], 13 * 11, numba) for numba in (False, True))
        np.testing.assert_allclose(ours, numbas, rtol=1e-13)


def test_elements_do_not_depend_on_the_tile() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal(13 * 37).astype("f4"), rng.standard_normal(37 * 17).astype("f4")
    wide = run(panel(13, 16, 37, False, 0, 16, (6, 16)), "float32", [x, y], 13 * 19).reshape(13, 19)
    for rows in (1, 4, 13):
        narrow = run(
            panel(rows, 8, 37, False, 0, 8, (rows, 8)).replace(" 9, 8, 0,", " 17, 8, 0,"), "float32", [x, y], 13 * 19
        )
        np.testing.assert_array_equal(narrow[: rows * 11].reshape(rows, 11)[:, :8], wide[:rows, :8])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("lanes", [2, 4, 8, 16])
def test_transposes(dtype: str, lanes: int) -> None:
    for rows in (lanes, 2 * lanes, 3 * lanes - 1):
        x = np.arange(lanes * rows, dtype=dtype).reshape(lanes, rows)
        text = f"    transpose_panel(z, x, {rows}, {lanes + 1}, {rows}, {lanes})\n"
        found = run(text, dtype, [x.ravel(), x.ravel()], rows * (lanes + 1)).reshape(rows, lanes + 1)
        np.testing.assert_array_equal(found[:, :lanes], x.T)
        assert (found[:, lanes:] == FILL).all()


def test_numba_transposes() -> None:
    x = np.arange(4 * 7, dtype="f8")
    found = run("    transpose_panel(z, x, 7, 4, 7, 4)\n", "float64", [x, x], 28, numba=True)
    np.testing.assert_array_equal(found.reshape(7, 4), x.reshape(4, 7).T)


@pytest.mark.parametrize("tile", [(8, 48), (6, 24), (5, 32), (7, 12), (14, 2), (1, 48)])
def test_tiles_of_several_registers(tile: tuple[int, int]) -> None:
    """Whole, and with columns that end in any register of the tile."""
    rng, (_, columns) = np.random.default_rng(3), tile
    x, y = rng.integers(-5, 6, (19, 11)).astype("f4"), rng.integers(-5, 6, (11, columns + 1)).astype("f4")
    for width in {columns, columns - 1, columns // 2 + 1, 1}:
        text = panel(19, columns, 11, False, 1, width, tile)
        found = run(text, "float32", [x.ravel(), y.ravel()], 19 * (columns + 3)).reshape(19, columns + 3)
        seen = np.where(np.arange(columns) < width, y[:, :columns], 0)
        np.testing.assert_array_equal(found[:, :columns], x @ seen + FILL)
        assert (found[:, columns:] == FILL).all()
