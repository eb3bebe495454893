"""What a cached program is found by."""

import dataclasses

from graphad.runtime import Program
from graphad.runtime.executable import content_key

TEXT = "# model.py:7\n@kernel\ndef k(x):\n    # a note\n    x[0] = 1\n"


def test_comments_do_not_count_and_code_does() -> None:
    program = Program("p", TEXT, (), (), (), (), 0, ())
    moved = TEXT.replace("model.py:7", "model.py:8")
    assert content_key(program, TEXT) == content_key(program, moved)
    assert content_key(program, TEXT) != content_key(program, TEXT.replace("= 1", "= 2"))
    assert content_key(program, TEXT) != content_key(dataclasses.replace(program, name="q"), TEXT)
