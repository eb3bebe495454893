"""Damage: bytes flipped, cut, doubled and moved, lengths that are none, JSON of another structure."""

from __future__ import annotations

import copy
import json
import struct
from collections.abc import Callable
from typing import Any, Final

import numpy as np

ODD: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 3, 255, 2**31, 2**63 - 1, 2**63, 2**64, 10**30, 0.5, -0.0, 1e308, float("nan"),
    float("inf"), "", "a", "0", "BF16", "F8_E4M3", "F64", "\n", "\ud800", "é", "x" * 5000, [], [[]], {},
    {"a": 1}, [1, 2, 3], [None],
)  # fmt: skip
SIZES: Final = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)


def damaged(rng: np.random.Generator, data: bytes) -> bytes:
    """The bytes after one to four accidents."""
    found = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        if found:
            accident = ACCIDENTS[int(rng.integers(len(ACCIDENTS)))]
            found = accident(rng, found, int(rng.integers(len(found))), int(min(rng.geometric(0.1), 1000)))
    return bytes(found)


Bytes = bytearray
ACCIDENTS: Final[tuple[Callable[[np.random.Generator, Bytes, int, int], Bytes], ...]] = (
    lambda _, data, at, count: data[:at],
    lambda _, data, at, count: data[:at] + data[at + count :],
    lambda _, data, at, count: data[:at] + data[at : at + count] * 2 + data[at + count :],
    lambda _, data, at, count: data[:at] + bytes(count) + data[at:],
    lambda _, data, at, count: data + bytes(count),
    lambda rng, data, at, count: data[:at] + rng.bytes(count) + data[at + count :],
    lambda rng, data, at, count: data[:at] + bytes([data[at] ^ 1 << int(rng.integers(8))]) + data[at + 1 :],
    lambda rng, data, at, count: _length(rng, data, at),
    lambda rng, data, at, count: _length(rng, data, at % 16),
    lambda rng, data, at, count: data[:at] + b"[" * 100_000 + data[at:],
)


def _length(rng: np.random.Generator, data: Bytes, at: int) -> Bytes:
    """A length field of 1 to 8 bytes, in either byte order, in place of what is there."""
    form = "<>"[int(rng.integers(2))] + "BHIQ"[int(rng.integers(4))]
    size = SIZES[int(rng.integers(len(SIZES)))] % 256 ** struct.calcsize(form)
    return data[:at] + struct.pack(form, size) + data[at + struct.calcsize(form) :]


def restructured(rng: np.random.Generator, value: Any) -> Any:
    """The JSON value after one to three changes to its structure."""
    whole = [copy.deepcopy(value)]
    for _ in range(int(rng.integers(1, 4))):
        places = list(_places(whole))
        container, key = places[int(rng.integers(len(places)))]
        _change(rng, container, key, places)
    return whole[0]


def _places(container: Any) -> Any:
    waiting = [container]
    while waiting:
        one = waiting.pop()
        for key in range(len(one)) if isinstance(one, list) else one:
            yield one, key
            if isinstance(one[key], list | dict):
                waiting.append(one[key])


def _change(rng: np.random.Generator, container: Any, key: Any, places: list[Any]) -> None:
    match int(rng.integers(8)):
        case 0 if len(places) > 1 and isinstance(container, dict):
            del container[key]
        case 1 if isinstance(container, dict):
            container[str(rng.choice(["", "a", "__metadata__", "\n", key * 2]))] = container.pop(key)
        case 2 if isinstance(container, list) and len(places) > 1:
            container.append(copy.deepcopy(container[key]))
        case 3:
            other, there = places[int(rng.integers(len(places)))]
            container[key] = copy.deepcopy(other[there])
        case 4 if isinstance(container[key], int | float):
            container[key] = container[key] + int(rng.integers(-3, 4))
        case _:
            container[key] = copy.deepcopy(ODD[int(rng.integers(len(ODD)))])


def dumped(value: Any) -> bytes:
    """As JSON, with NaN and what else Python writes."""
    return json.dumps(value).encode()
