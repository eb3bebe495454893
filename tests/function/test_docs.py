"""The pages say what is true: their code runs, their links lead somewhere, the ops' page is that of the registry."""

import re
from pathlib import Path

import pytest

from docs.generate_ops import PAGE, page

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
DRAWN_LATER = {"docs/images/lenet5.png"}


def blocks(path: Path) -> str:
    """The Python of a page, in its own lines, so that errors name them."""
    lines, inside = [], False
    for line in path.read_text().splitlines():
        if line.startswith("```"):
            inside = line == "```python"
            lines.append("")
        else:
            lines.append(line if inside else "")
    return "\n".join(lines)


@pytest.mark.parametrize(
    "name", ["README.md", "docs/guide.md", "docs/jacobians.md", "docs/modes.md", "docs/cross_country.md"]
)
def test_the_code_on_a_page_runs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    exec(compile(blocks(ROOT / name), str(ROOT / name), "exec"), names)
    if name == "README.md":
        assert names["accuracy"] > 0.97  # type: ignore[operator]


def test_the_page_of_ops_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run: python -m docs.generate_ops"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        if "://" not in link and str((path.parent / link).resolve().relative_to(ROOT)) not in DRAWN_LATER:
            assert (path.parent / link).exists(), link


def test_design_notes_have_numbers_of_their_own_and_say_so() -> None:
    notes = sorted((ROOT / "docs" / "design").glob("*.md"))
    assert len({path.name[:4] for path in notes}) == len(notes)
    for path in notes:
        assert path.read_text().startswith(f"# {int(path.name[:4])}. "), path
