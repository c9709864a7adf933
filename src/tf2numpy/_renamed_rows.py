"""Rows whose flat arrays go by new names. What the rows are, and how names are found, may not enter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from ._protocols import RowSource, State
from ._types import ArraySpec, Chunk


class RenamedRows(RowSource):
    """The same rows, in the same structure; names: gives the new name of each array, whichever there turn out to be."""

    def __init__(self, rows: RowSource, names: Callable[[Iterable[str]], Mapping[str, str]]) -> None:
        self.kind, self.device, self.once = rows.kind, rows.device, rows.once
        self._rows, self._names = rows, names

    def specs(self) -> Mapping[str, ArraySpec]:
        """Describe the arrays by their new names."""
        specs = self._rows.specs()
        new = self._names(specs)
        return {new[name]: spec for name, spec in specs.items()}

    def chunks(self, max_bytes: int, after: State | None = None) -> Iterator[tuple[list[Chunk], State]]:
        """Give the blocks under the new names; states are those of the rows."""
        new = self._names(self._rows.specs())
        for chunks, state in self._rows.chunks(max_bytes, after):
            yield [replace(chunk, name=new[chunk.name]) for chunk in chunks], state

    def host_bytes(self) -> int:
        """Bytes that all the rows are known to take."""
        return self._rows.host_bytes()

    def pieces(self, max_bytes: int) -> Iterator[Chunk]:
        """Give blocks of rows, in their own structure."""
        return self._rows.pieces(max_bytes)

    def count(self) -> int | None:
        """Say how many rows there are."""
        return self._rows.count()

    def distrust(self) -> None:
        """Rely no longer on what the rows took for granted."""
        self._rows.distrust()

    def build(self, arrays: Mapping[str, NDArray[Any]]) -> Any:
        """Put the arrays, by their new names, together into the structure of the rows."""
        new = self._names(self._rows.specs())
        return self._rows.build({old: arrays[name] for old, name in new.items()})
