"""What the emitted machine code must look like, read from LLVM's IR, because nothing else shows a lost speed-up."""

import re

import pytest

from graphad.runtime import Program, native, objects
from tests.runtime.programs import HEAD, RUN, vector


def llvm_text(body: str, decorator: str = "@kernel", dtype: str = "float32") -> str:
    """Optimised LLVM IR of a program with one kernel k(x, y, z, n)."""
    source = (
        f"{HEAD}{decorator}\ndef k(x, y, z, n):\n{body}\n"
        + RUN
        + f"    k({', '.join(f'{dtype}_at(table, {i})' for i in range(3))}, sizes[0])\n"
    )
    specs = [vector(name, dtype) for name in "xyz"]
    program = Program("ir", source, tuple(specs[:2]), tuple(specs[2:]), (), (), 0, ("k",))
    return "".join(str(objects.optimised(unit)) for unit in native.units(program))


def test_an_update_in_place_vectorises_without_overlap_checks():
    text = llvm_text("    for i in range(n):\n        z[i] = x[i] * y[i] + z[i]\n")
    assert re.search(r"load <\d+ x float>", text)
    assert "memcheck" not in text


def test_contract_fuses_multiply_and_add_and_strict_does_not():
    body = "    for i in range(n):\n        z[i] = x[i] * y[i] + z[i]\n"
    assert re.search(r"fmul contract <\d+ x float>", llvm_text(body))
    assert "contract" not in llvm_text(body, "@kernel(contract=False)")


@pytest.mark.parametrize(("decorator", "vector_sum"), [("@kernel", False), ("@kernel(reassociate=True)", True)])
def test_only_reassociated_sums_vectorise(decorator, vector_sum):
    body = "    s = float32(0)\n    for i in range(n):\n        s = s + x[i]\n    z[0] = s\n"
    assert bool(re.search(r"fadd \w[\w ]*<\d+ x float>", llvm_text(body, decorator))) == vector_sum


@pytest.mark.parametrize(
    "call",
    ["maximum(x[i], y[i])", "select(x[i] > y[i], x[i], y[i])", "floor(x[i])", "sqrt(fabs(x[i]))", "rint(x[i])",
     "trunc(x[i])", "sign(x[i])", "copysign(x[i], y[i])", "fma(x[i], y[i], x[i])"],
)  # fmt: skip
def test_scalar_functions_vectorise(call):
    assert re.search(r"store <\d+ x float>", llvm_text(f"    for i in range(n):\n        z[i] = {call}\n"))


def test_integer_division_has_no_exception_path():
    text = llvm_text("    for i in range(n):\n        z[i] = floordiv(x[i], y[i])\n", dtype="int32")
    assert "ZeroDivision" not in text


def test_kernels_cannot_be_called_from_python():
    namespace: dict[str, object] = {}
    exec(HEAD + "@kernel\ndef k(x):\n    return x\n", namespace)
    with pytest.raises(TypeError):
        namespace["k"](1)  # type: ignore[operator]
