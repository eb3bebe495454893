"""A graph's text is read, never executed, and a short one takes neither long nor much memory."""

import json
import time

import numpy as np
import pytest

from graphad.compiler.errors import GraphadError, ParseError, ShapeError
from graphad.compiler.ir.size import parse_dim
from graphad.compiler.ir.text import parse, to_text

X = '%0: float32[4] = input "x"\n%1: '

CODE = [
    "%0: float32[] = constant 10**10**10",
    '%0: float32[] = constant __import__("os").system("true")',
    "%0: float32[] = constant (lambda: 0)()",
    '%0: float32[2] = constant [x for x in "ab"]',
    "%0: float32[3] = constant [1] * 3",
    '%0: float32[] = constant "1.5"',
    '%0: float32[] = constant {"a": 1}',
    "%0: float32[] = constant null",
    f"{X}float32[] = sum(%0) axes=[0 if True else 1]",
    '%0: float32[10**10**10] = input "x"',
]

LARGE = [
    f"%0: float32[] = constant {'[' * 100_000}",
    f"%0: float32[] = constant {'[' * 100}1.0{']' * 100}",
    f"%0: int64[] = constant {'9' * 5000}",
    f"%0: int64[] = constant {'9' * 30}",
    '%0: float32[1000000000000,1000000000000] = input "x"',
    '%0: float32[-4] = input "x"',
    f'%0: float32[{"(" * 500}N{")" * 500}] = input "x"',
    f'%0: float32[{"*".join(f"(a{i}+b{i})" for i in range(80))}] = input "x"',
    f'%0: float32[{"9999999999*N*" * 60}1] = input "x"',
    f"{X}float32[] = sum(%0) axes=[99999999999999999999999]",
    f"{X}float32[4] = sum(%0) axes=[-1]",
    f"{X}float32[4] = view(%0)[(i0)/0]",
    f"{X}float32[4] = view(%0)[{'i0+' * 5000}]",
    f"%0: float32[] = {'] = x as ' * 20_000}",
    f"%0: float32[] = {'x as q' * 20_000}",
]

WRONG = [
    '%0: float32[2] = input "x"\nupdate %0, %0 = %0',
    '%0: float32[2] = input "x"\nupdate %0 =',
    '%0: float16[4] = input "x"',
    "%0: float32[4] = input 7",
    "%0: float32[4] = input [7]",
    '%0: float32[4] = input "x" as "\\q"',
    f"{X}float32[4] = contract(%0)[i->j]",
    f"{X}float32[4] = scatter(%0, %0) axis=7",
    f"{X}float32[4] = reshape(%0, %0)",
]


@pytest.mark.parametrize("text", CODE + LARGE + WRONG)
def test_text_is_read_within_bounds_and_never_executed(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    started = time.process_time()
    with pytest.raises(ParseError, match=r"line \d") as caught:
        parse(f"{text}\nreturn %0")
    assert time.process_time() - started < 5
    assert len(str(caught.value)) < 3000


@pytest.mark.parametrize(
    "text", ["-" * 900 + "N", "1+" * 600 + "1", "N//0", "2**8", "N.real", "'N'", "True", "\0", "9" * 900, "9" * 9000]
)
def test_sizes_are_read_within_bounds(text: str) -> None:
    with pytest.raises(ShapeError, match="is no size") as caught:
        parse_dim(text)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("value", [[1.5, -0.0], [float("inf"), -float("inf")], [1e-300, 1e300], [True, False], [3, -4]])
def test_literals_keep_their_bits(value: list[float]) -> None:
    dtype = {bool: "bool", int: "int64", float: "float64"}[type(value[0])]
    graph = parse(f"%0: {dtype}[2] = constant {value!r}\nreturn %0")
    (found,) = graph.outputs
    assert found.kind.value.tobytes() == np.array(value, dtype).tobytes()  # type: ignore[union-attr]


def test_nan_is_a_literal() -> None:
    (found,) = parse("%0: float64[] = constant nan\nreturn %0").outputs
    assert np.isnan(found.kind.value)  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["a  # b", 'a as "b"', "  # ", "] = input", "é\n\u2028", '\\"', "%0, %1"])
def test_any_name_prints_and_parses(name: str) -> None:
    written = json.dumps(name)
    text = f'%0: float32[4] = input {written}\n%1: float32[4] = sin(%0) as {written}  # f "q".py:3\nreturn %1'
    for found in (parse(text), parse(to_text(parse(text)))):
        assert [found.inputs[0].kind.name, found.outputs[0].label] == [name, name]  # type: ignore[union-attr]


@pytest.mark.parametrize("seed", range(40))
def test_damaged_text_raises_only_errors_of_graphads(seed: int) -> None:
    rng = np.random.default_rng(seed)
    text = to_text(parse(TEXT))
    for _ in range(20):
        found = list(text)
        for _ in range(int(rng.integers(1, 6))):
            at = int(rng.integers(len(found)))
            found[at : at + int(rng.integers(0, 4))] = list(str(rng.choice(list('[]()%i0179,-+*/?:="N ')))) * int(
                rng.integers(0, 3)
            )
        try:
            parse("".join(found))
        except GraphadError:
            pass
        except Exception as error:
            raise AssertionError(f"seed {seed}: {''.join(found)}") from error


TEXT = """
    %0: float32[N,4] = input "x"
    %1: float32[4] = parameter "w"
    %4: float64[2,2] = constant [[0.0, -0.0], [1e-300, 2.5]]
    %5: int64[] = size 2*N+1
    %6: int64[N,4] = index axis=0
    %7: float32[N,4] = view(%1)[i1]
    %8: float32[N,4] = add(%0, %7) as "pre activation"
    %9: float32[N,6,2] = view(%8)[i0, 2*i1+i2-1?] fill=-inf
    %10: float32[N,4] = fold(%9)[i0, 2*i1+i2-1?] fill=-inf
    %12: float32[4*N] = reshape(%10)
    %13: float32[N] = max(%10) axes=[1]
    %14: float32[N,4] = cumulative_sum(%10) axis=1 reverse
    %15: float32[N,N] = contract(%10, %14)[ij,kj->ik]
    %16: int64[3] = constant [0, 1, 0]
    %17: float32[N,3] = gather(%0, %16) axis=1
    %18: float32[N,4] = scatter(%16, %17) axis=1
    %20: float32[((N+1)//2),4] = view(%0)[2*i0, i1]
    %22: float32[2*N,4] = join(%18, %18) axis=0
    return %4, %5, %6, %12, %13, %15, %20, %22
"""
