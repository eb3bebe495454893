"""Elements of vectors exchanged: rows that are transposed, parts that are joined."""

from __future__ import annotations

from collections.abc import Sequence

from graphad.runtime.assembly import Assembly, Word, kind


def chunks(offsets: Sequence[int], most: int) -> dict[int, range]:
    """Neighbours that are transposed together: at most so many, or half of them, and so on down to two."""
    found: dict[int, range] = {}
    at = 0
    while at < len(offsets):
        first, size = offsets[at], most
        while size > 1 and list(offsets[at : at + size]) != list(range(first, first + size)):
            size //= 2
        if size > 1:
            found.update(dict.fromkeys(range(first, first + size), range(first, first + size)))
        at += size
    return found


def transposed(write: Assembly, rows: list[Word]) -> list[Word]:
    """Word k has element k of every row; of fewer rows than lanes, the words are parts of vectors."""
    m, n = len(rows), rows[0].type.lanes
    rows = squares(write, rows)
    if m == n:
        return rows
    return [write.part(rows[k % m], k // m * m, m) for k in range(n)]


def joined(write: Assembly, parts: Sequence[Word]) -> Word:
    """One vector of all; behind a number of them that is no power of two some are there twice."""
    while len(parts) > 1:
        n = parts[0].type.lanes
        pairs = [*zip(parts[::2], parts[1::2], strict=False), *([(parts[-1], parts[-1])] if len(parts) % 2 else [])]
        parts = [picked(write, a, range(2 * n), b) for a, b in pairs]
    return parts[0]


def picked(write: Assembly, a: Word, order: Sequence[int], b: Word | None = None) -> Word:
    """Elements of a vector, or of two of the same type, in this order."""
    of = kind(a.type.element, len(order))
    mask = ", ".join(f"i32 {k}" for k in order)
    other = "poison" if b is None else b.text
    return write.pure(f"shufflevector {a.type} {a.text}, {a.type} {other}, <{len(order)} x i32> <{mask}>", of)


def squares(write: Assembly, rows: list[Word]) -> list[Word]:
    """Each square of lanes transposed: log2(m) rounds of exchanges between m rows that are a power of two apart."""
    m, n, step = len(rows), rows[0].type.lanes, 1
    rows = list(rows)
    while step < m:
        old = list(rows)
        for i in range(m):
            if i & step:
                continue
            first = [k if not k & step else n + (k ^ step) for k in range(n)]
            second = [k | step if not k & step else n + k for k in range(n)]
            rows[i] = picked(write, old[i], first, old[i | step])
            rows[i | step] = picked(write, old[i], second, old[i | step])
        step *= 2
    return rows
