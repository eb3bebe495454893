"""What is public reads as functions: names, arguments, documentation."""

import inspect
import pydoc
import re
import types

import pytest

import graphad as ga

FUNCTIONS = sorted(
    name
    for name in ga.__all__
    if callable(found := getattr(ga, name)) and not inspect.isclass(found) and not isinstance(found, types.ModuleType)
)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_a_name_arguments_and_a_text(name: str) -> None:
    function = getattr(ga, name)
    signature = inspect.signature(function)
    assert signature.parameters or name == "calibrate"
    kinds = {p.kind for p in signature.parameters.values()}
    many = name in ("broadcast_arrays", "einsum")
    assert many or not kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    assert function.__name__.isidentifier()
    assert inspect.getdoc(function)
    text = pydoc.plain(pydoc.render_doc(function))
    assert f"{function.__name__}(" in text
    assert not re.search(r"monoid=|scalar=|reference=", text)


def test_help_of_an_op() -> None:
    assert ga.exp.__name__ == "exp"
    assert str(inspect.signature(ga.exp)) == "(x, /) -> graphad.tensor.Tensor"
    assert str(inspect.signature(ga.where)).startswith("(condition, x, y, /)")
    assert str(inspect.signature(ga.atan2)).startswith("(y, x, /)")
    assert str(inspect.signature(ga.max)).startswith("(x: Any, axis: Any = None, keepdims: bool = False)")
    assert ga.exp.__doc__ == (
        "``exp(x)``, element by element, as ``np.exp``.\n\n"
        "x: a tensor, an array or a number; takes float32 or float64.\nDerivatives of every order exist."
    )
    assert "It has no derivative." in str(ga.greater.__doc__)


def test_a_class_of_records_has_a_text_of_its_own() -> None:
    record = type(ga.exp)
    assert str(record.__doc__).startswith("An elementwise op.")
    assert "partials" in inspect.signature(record).parameters
