"""Chunks that wait until they are whole, since only then can they be encoded. No codec may enter.

Numbers wait in a side file: they take no memory, however many chunks the rows of an array are spread over, and a
kill leaves them where they are. Strings wait in memory, and go to a side file when a state is taken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .._host import region
from .._types import Index
from ..layouts.zarr_grid import Coords
from ..layouts.zarr_text import join, split
from ._runs import pwrite_region
from ._zarr_files import Files

# States that may still be gone on from: the last that is durable, and those that may be on their way.
_KEPT_STATES = 3


class Waiting(Protocol):
    """The chunks of one array that are not whole."""

    def put(self, coords: Coords, inside: Index, value: NDArray[Any]) -> int:
        """Fill a part of a chunk, and say how many elements of it are filled."""

    def job(self, coords: Coords) -> Callable[[], NDArray[Any]]:
        """Give what reads the chunk, on any thread; it stays until it is dropped."""

    def drop(self, coords: Coords) -> None:
        """Forget a chunk, if it waits."""

    def chunks(self) -> list[Coords]:
        """Give the chunks that wait, in C order."""

    def state(self) -> dict[str, Any]:
        """Say what the constructor needs to have them again."""


class Numbers:
    """Chunks of numbers, each in a slot of a file.

    A slot that a kept state tells of keeps its chunk, even one that is whole meanwhile.
    """

    def __init__(
        self, files: Files, path: Path, chunk: Sequence[int], dtype: np.dtype[Any], state: dict[str, Any] | None
    ) -> None:
        self._files, self._path, self._chunk, self._dtype = files, path, tuple(chunk), dtype
        self._bytes = int(np.prod(self._chunk, dtype=object)) * dtype.itemsize
        self._used: dict[Coords, list[int]] = {}  # slot, elements that are filled
        self._told: deque[set[int]] = deque(maxlen=_KEPT_STATES)
        self._held: list[int] = []
        if state:
            self._used = {_coords(key): list(entry) for key, entry in state["slots"].items()}
            self._told.append({slot for slot, _ in self._used.values()})
        self._slots = 1 + max((slot for slot, _ in self._used.values()), default=-1)
        self._ready = sorted(set(range(self._slots)) - {slot for slot, _ in self._used.values()}, reverse=True)

    def put(self, coords: Coords, inside: Index, value: NDArray[Any]) -> int:
        """Write a part of a chunk into its slot."""
        if coords not in self._used:
            self._used[coords] = [self._slot(), 0]
        entry = self._used[coords]
        pwrite_region(self._files.at(self._path), entry[0] * self._bytes, self._chunk, inside, value)
        entry[1] += value.size
        return entry[1]

    def job(self, coords: Coords) -> Callable[[], NDArray[Any]]:
        """Give what reads the slot; what was never filled has any value."""
        offset = self._used[coords][0] * self._bytes

        def read() -> NDArray[Any]:
            array = np.zeros(self._chunk, self._dtype)
            with open(self._path, "rb", buffering=0) as file:
                file.seek(offset)
                rest = array.reshape(-1).view(np.uint8).data
                while rest and (count := file.readinto(rest)):
                    rest = rest[count:]
            return array

        return read

    def drop(self, coords: Coords) -> None:
        """Free the slot of a chunk."""
        if coords in self._used:
            slot, _ = self._used.pop(coords)
            (self._held if any(slot in told for told in self._told) else self._ready).append(slot)

    def chunks(self) -> list[Coords]:
        """Give the chunks that have a slot."""
        return sorted(self._used)

    def state(self) -> dict[str, Any]:
        """Say which chunk is in which slot, and how far it is filled."""
        self._told.append({slot for slot, _ in self._used.values()})
        held, self._held = self._held, []
        for slot in held:
            (self._held if any(slot in told for told in self._told) else self._ready).append(slot)
        return {"slots": {_key(coords): list(entry) for coords, entry in self._used.items()}}

    def _slot(self) -> int:
        if self._ready:
            return self._ready.pop()
        self._slots += 1
        return self._slots - 1


class Texts:
    """Chunks of strings, in memory."""

    def __init__(self, files: Files, path: Path, chunk: Sequence[int], state: dict[str, Any] | None) -> None:
        self._files, self._path, self._chunk = files, path, tuple(chunk)
        self._used: dict[Coords, NDArray[Any]] = {}
        self._counts: dict[Coords, int] = {}
        self._generation = 0
        if state:
            self._generation = state["generation"]
            self._restore(state["texts"])

    def put(self, coords: Coords, inside: Index, value: NDArray[Any]) -> int:
        """Take a part of a chunk."""
        if coords not in self._used:
            self._used[coords] = np.full(self._chunk, b"", object)
            self._counts[coords] = 0
        region(self._used[coords], inside)[...] = value
        self._counts[coords] += value.size
        return self._counts[coords]

    def job(self, coords: Coords) -> Callable[[], NDArray[Any]]:
        """Give the chunk."""
        array = self._used[coords]
        return lambda: array

    def drop(self, coords: Coords) -> None:
        """Forget a chunk."""
        self._used.pop(coords, None)
        self._counts.pop(coords, None)

    def chunks(self) -> list[Coords]:
        """Give the chunks that are in memory."""
        return sorted(self._used)

    def state(self) -> dict[str, Any]:
        """Write every chunk to a side file, and say where it is in it."""
        self._files.remove(self._side(self._generation - _KEPT_STATES))
        self._generation += 1
        parts = {_key(coords): join(array.flat, array.size) for coords, array in self._used.items()}
        if parts:
            self._files.put(self._side(self._generation), b"".join(parts.values()))
        told = [[key, self._counts[_coords(key)], len(data)] for key, data in parts.items()]
        return {"generation": self._generation, "texts": told}

    def _restore(self, told: list[list[Any]]) -> None:
        data = self._side(self._generation).read_bytes() if told else b""
        for key, count, nbytes in told:
            flat = split(data[:nbytes], int(np.prod(self._chunk, dtype=object)))
            self._used[_coords(key)], data = flat.reshape(self._chunk), data[nbytes:]
            self._counts[_coords(key)] = count

    def _side(self, generation: int) -> Path:
        return self._path.with_name(f"{self._path.name}-{generation}")


def _key(coords: Coords) -> str:
    return "/".join(map(str, coords))


def _coords(key: str) -> Coords:
    return tuple(map(int, key.split("/"))) if key else ()
