"""What a cached program is found by."""

import dataclasses

from graphad.runtime import Program
from graphad.runtime.executable import content_key

TEXT = "# model.py:7\n@kernel\ndef k(x):\n    # a note\n    x[0] = 1\n"
PROGRAM = Program("p", TEXT, (), (), (), (), 0, ())


def test_comments_do_not_count_and_code_does() -> None:
    def key(text: str, name: str = "p") -> str:
        return content_key(dataclasses.replace(PROGRAM, source=text, name=name))

    assert key(TEXT) == key(TEXT.replace("model.py:7", "model.py:8"))
    assert key(TEXT) != key(TEXT.replace("= 1", "= 2"))
    assert key(TEXT) != key(TEXT, "q")


def test_the_processor_counts(monkeypatch) -> None:
    before = content_key(PROGRAM)
    monkeypatch.setenv("NUMBA_CPU_FEATURES", "+avx2,+fma")
    assert content_key(PROGRAM) != before
