"""A source as a stream of pieces in host memory, read ahead on a thread, that can begin anywhere.

What becomes of the pieces may not enter.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from . import _fetch
from ._protocols import ArraySource, RowSource, Source, State
from ._types import Chunk, Request, joined


@dataclass(frozen=True, slots=True)
class Step:
    """Pieces of flat arrays that are read together.

    chunks: the pieces, under their arrays' full names. leaf: the number of the source's leaf they are of.
    state: where that leaf goes on after them, in terms that JSON can hold.
    """

    chunks: tuple[Chunk, ...]
    leaf: int
    state: State


def steps(source: Source, max_bytes: int, *, leaf: int = 0, state: State | None = None) -> Iterator[Step]:
    """Read a source leaf by leaf, its arrays region by region, its rows block by block.

    max_bytes: host bytes of the pieces that are alive at once, if each step is dropped before the next is taken.
    leaf, state: where to begin, as an earlier step said.
    """
    for number, (name, part) in enumerate(_fetch.leaves(source)):
        if number >= leaf:
            after = state if number == leaf else None
            for chunks, there in _of_leaf(part, max_bytes, after):
                yield Step(tuple(replace(chunk, name=joined(name, chunk.name)) for chunk in chunks), number, there)


def _of_leaf(part: ArraySource | RowSource, max_bytes: int, after: State | None) -> Iterator[tuple[list[Chunk], State]]:
    if isinstance(part, RowSource):
        yield from part.chunks(max_bytes, after)
        return
    done = after["regions"] if after else 0
    piece_bytes = min(max_bytes, part.cached_bytes or max_bytes)
    for count, index in enumerate(islice(part.regions(piece_bytes), done, None), done + 1):
        yield [Chunk("", index, part.read(index))], {"regions": count}


def is_free_to_read(source: Source) -> bool:
    """Tell whether every piece is a view of host memory, so that reading ahead would gain nothing."""
    return all(
        isinstance(leaf, ArraySource) and not leaf.host_bytes(Request(copy=None)) for _, leaf in _fetch.leaves(source)
    )


class Ahead:
    """Reads one step ahead on a thread while the one before is written. Three are alive at once."""

    ALIVE = 3

    def __init__(self, steps: Iterator[Step]) -> None:
        self._steps = steps
        self._ready: queue.Queue[Any] = queue.Queue(1)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._read, name="tf2numpy read-ahead", daemon=True)

    def __iter__(self) -> Generator[Step, None, None]:
        self._thread.start()
        try:
            while True:
                step, error = self._ready.get()
                if error is not None:
                    raise error
                if step is None:
                    return
                yield step
                del step  # before the next one is waited for
        finally:
            self.stop()

    def stop(self) -> None:
        """End the thread, after the step it is reading."""
        self._stopped.set()
        while self._thread.is_alive():
            try:
                self._ready.get(timeout=0.05)  # make room for what it may be waiting to put
            except queue.Empty:
                continue

    def _read(self) -> None:
        try:
            for step in self._steps:
                self._ready.put((step, None))
                del step
                if self._stopped.is_set():
                    return
            self._ready.put((None, None))
        except BaseException as error:  # it belongs to whoever takes the steps
            self._ready.put((None, error))
