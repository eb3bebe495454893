"""assign_storage: where every stored value lies, what is computed in place, and which updates are copied at the end."""

from graphad.compiler.ir.text import parse
from graphad.compiler.ir.verify import verify
from graphad.compiler.lower.assign import Assignment, assign_storage
from graphad.compiler.passes.fuse import fuse
from tests.compiler.texts import apart as unfused

CHAIN = """
    %0: float32[4] = input "x"
    %1: float32[4] = exp(%0)
    %2: float32[4] = tanh(%1)
    %3: float32[4] = sin(%2)
    return %3"""


def places(text: str, apart: bool = False, watched: bool = False) -> tuple[dict[str, str], Assignment]:
    """Where each node of a text lies, as ``local 0``, by its op's name."""
    written = parse(text)
    graph = verify(written if written.kernels else (unfused if apart else fuse)(written))
    found = assign_storage(graph, watched)
    return {n.op.name: f"{s.place} {s.slot}" for n, s in found.stored.items()}, found


def test_a_chain_is_computed_in_one_place() -> None:
    found, assignment = places(CHAIN, apart=True)
    assert found == {"input": "input 0", "exp": "local 0", "tanh": "local 0", "sin": "output 0"}
    assert len(assignment.locals) == 1


def test_a_value_read_later_keeps_its_place() -> None:
    found, _ = places(
        """
        %0: float32[4] = input "x"
        %1: float32[4] = exp(%0)
        %2: float32[4] = tanh(%1)
        %3: float32[4] = cumulative_sum(%2) axis=0
        %4: float32[4] = add(%3, %1)
        return %4""",
        apart=True,
    )
    assert found["exp"] != found["tanh"]


def test_a_flipped_value_is_not_overwritten_where_it_is_read() -> None:
    found, _ = places(
        """
        %0: float32[4] = input "x"
        %1: float32[4] = exp(%0)
        %2: float32[4] = view(%1)[3-i0]
        %3: float32[4] = add(%1, %2)
        %4: float32[] = sum(%3) axes=[0]
        kernel 0: %1 -> %1
        kernel 1: %2, %3 -> %3
        kernel 2: %4 -> %4
        return %4"""
    )
    assert found["add"] != found["exp"]


UPDATE = """
    %0: float32[4] = parameter "p"
    %1: float32[4] = input "x"
    %2: float32[4] = {new}
    return
    update %0 = %2"""


def test_an_update_is_made_in_place_where_it_may() -> None:
    found, assignment = places(UPDATE.format(new="subtract(%0, %1)"))
    assert found["subtract"] == "state 0"
    assert assignment.copies == ()


def test_an_update_that_moves_elements_is_copied() -> None:
    found, assignment = places(UPDATE.format(new="view(%0)[3-i0]"))
    assert found["view"] == "local 0"
    assert [(a.op.name, b.op.name) for a, b in assignment.copies] == [("view", "parameter")]


def test_a_constant_index_in_range_cannot_fail() -> None:
    text = """
        %0: float32[4] = parameter "p"
        %1: int64[2] = constant {index}
        %2: float32[4] = exp(%0)
        %3: float32[2] = gather(%2, %1) axis=0
        return %3
        update %0 = %2"""
    assert places(text.format(index="[0, 3]"))[1].guarded == 0
    assert places(text.format(index="[0, 4]"))[1].guarded == 2
    scattered = """
        %0: float32[2] = input "x"
        %1: int64[2] = constant {index}
        %2: float32[4] = scatter(%1, %0) axis=0
        return %2"""
    assert places(scattered.format(index="[3, 3]"))[1].guarded == 0
    assert places(scattered.format(index="[-1, 3]"))[1].guarded == 1


def test_an_update_before_a_kernel_that_can_fail_is_copied() -> None:
    text = """
        %0: float32[4] = parameter "p"
        %1: int64[2] = input "i"
        %2: float32[4] = exp(%0)
        %3: float32[2] = gather(%2, %1) axis=0
        return %3
        update %0 = %2"""
    found, assignment = places(text)
    assert found["exp"] == "local 0"
    assert len(assignment.copies) == 1
    assert assignment.guarded == 2
