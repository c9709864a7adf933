"""Chunks that were not whole when the state was last taken, as raw bytes beside the output. No compression may enter.

Each byte of them is written once; what has become whole since is dropped again, a file at a time, so that a source
that is slow, and whose state is taken often, does not fill the disk with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .._workspace import Workspace
from ._hdf5_journal import Journal

_LEAST_BYTES = 64 << 20
# States that must be taken before the file before can go: the one that no longer needs it is durable by then.
_STATES = 2


class Held:
    """Pieces of chunks; an array is a number here."""

    def __init__(self, workspace: Workspace, mark: Sequence[int] | None = None) -> None:
        """Begin with nothing; or go on with what there was when `mark` was given."""
        self._workspace = workspace
        self._number, *inside = mark or (0,)
        for left in workspace.folder.glob("held.*"):  # older than that mark, or younger
            if left.stem != f"held.{self._number}" and left.name != f"held.{self._number}":
                left.unlink()
        self._journal = Journal(workspace, f"held.{self._number}", inside or None)
        self._before: Journal | None = None
        self._states = 0
        self._enough_bytes = _LEAST_BYTES

    def turn(self, whole_bytes: int) -> bool:
        """Begin a state; say whether all that is to be held, so many bytes, must be put again, into a new file."""
        self._states += 1
        if self._before is not None and self._states > _STATES:
            self._before.remove()
            self._before = None
        if self._before is not None or self._journal.nbytes < self._enough_bytes:
            return False
        self._before, self._states = self._journal, 0
        self._enough_bytes = max(_LEAST_BYTES, 2 * whole_bytes)
        self._number += 1
        self._journal = Journal(self._workspace, f"held.{self._number}")
        return True

    def put(self, array: int, chunk: int, count: int, *parts: bytes | memoryview) -> None:
        """Take what a chunk has gained; count: how many elements it has now."""
        self._journal.append(array, chunk, count, *parts)

    def pieces(self, array: int) -> Iterator[tuple[int, int, bytes]]:
        """Give (chunk, count, bytes) of what was put, oldest first."""
        for chunk, count, offset, nbytes in self._journal.pieces(array):
            yield chunk, count, self._journal.read(offset, nbytes)

    def mark(self) -> list[int]:
        """Say what there is."""
        return [self._number, *self._journal.mark()]

    def sync(self) -> None:
        """Make what there was at the last `mark` durable; from any thread."""
        for journal in (self._before, self._journal):  # the mark that is not durable yet may be of the file before
            if journal is not None:
                journal.sync()

    def close(self) -> None:
        """Close the files; a second time does nothing."""
        self._journal.close()
        if self._before is not None:
            self._before.close()
