"""Damaged copies of good bytes: what storage, transfers and strangers do to files. No format may enter."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

_SIZES = (0, 1, 0x7F, 0x80, 0xFF, 1 << 14, 1 << 31, (1 << 32) - 1, 1 << 40, (1 << 63) - 1, (1 << 64) - 1)


# `make fuzz` wants many times as many.
TIMES = int(os.environ.get("TF2NUMPY_FUZZ", "1"))


def mutations(data: bytes, count: int, seed: int = 0, at_length: int = 0) -> Iterator[bytes]:
    """Give that many damaged copies, each by one to three of the ways below; the same ones for the same seed.

    `make fuzz` makes TIMES times as many, or TIMES times `at_length`, if that is more.
    """
    rng = random.Random(seed)
    for _ in range(count if TIMES == 1 else TIMES * max(count, at_length)):
        found = bytearray(data)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            rng.choice(_WAYS)(found, rng)
        yield bytes(found)


def _flip(data: bytearray, rng: random.Random) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _overwrite(data: bytearray, rng: random.Random) -> None:
    start, stop = _range(data, rng, 16)
    data[start:stop] = rng.randbytes(stop - start)


def _truncate(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data) + 1) :]


def _delete(data: bytearray, rng: random.Random) -> None:
    start, stop = _range(data, rng, 64)
    del data[start:stop]


def _duplicate(data: bytearray, rng: random.Random) -> None:
    start, stop = _range(data, rng, 64)
    data[stop:stop] = data[start:stop]


def _splice(data: bytearray, rng: random.Random) -> None:
    start, stop = _range(data, rng, 64)
    piece = data[start:stop]
    at = rng.randrange(len(data) + 1)
    data[at : at + len(piece)] = piece


def _inflate(data: bytearray, rng: random.Random) -> None:
    """Put a large number where a length may stand: a varint, or 4 or 8 bytes of either order."""
    size, at = rng.choice(_SIZES), rng.randrange(len(data) + 1)
    width = rng.choice((0, 4, 8))
    if width:
        order = rng.choice(("little", "big"))
        data[at : at + width] = (size & ((1 << 8 * width) - 1)).to_bytes(width, order)
        return
    encoded = bytearray()
    while size > 0x7F:
        encoded.append(size & 0x7F | 0x80)
        size >>= 7
    data[at : at + rng.randrange(2)] = bytes([*encoded, size])


def _range(data: bytearray, rng: random.Random, most: int) -> tuple[int, int]:
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + rng.randint(1, most))


_WAYS = (_flip, _flip, _overwrite, _truncate, _delete, _duplicate, _splice, _inflate, _inflate)
