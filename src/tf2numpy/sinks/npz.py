"""Named arrays as a .npz file, which `np.load` reads. Only what such a file can hold may enter.

How its members come about is the matter of `_npz_stored` and `_npz_deflated`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .._errors import FormatError
from .._protocols import State
from .._types import ArraySpec, Chunk
from ._file_sink import FileSink
from ._npy_file import check
from ._npz_deflated import DeflatedMembers
from ._npz_stored import StoredMembers

_MOST_NAME_BYTES = 60_000  # the field for a name and those beside it end at 65535


class NpzSink(FileSink):
    """A .npz file: the array "a/b" is the member "a/b.npy" of a zip archive. Compression is "gzip", or none."""

    _members: StoredMembers | DeflatedMembers

    def check(self, specs: Mapping[str, ArraySpec]) -> None:
        """Refuse strings, a dtype without a name, and names that are in each other's way.

        Raises: FormatError.
        """
        check_names(specs)
        for name, spec in specs.items():
            check(name, spec)

    def begin(self, specs: Mapping[str, ArraySpec], state: State | None = None) -> None:
        """Create the file, or what it will be made of, with a place for every array; or go on with it.

        Raises: FormatError for strings, for a dtype without a name, and for names that are in each other's way;
        StorageFull.
        """
        self.check(specs)
        rows = None if state is None else state["rows"]
        members = StoredMembers if self._layout.compression is None else DeflatedMembers
        self._members = self._opened(members(self._workspace, dict(specs), rows=rows))

    def write(self, chunk: Chunk) -> None:
        """Fill one rectangular region; with an unknown number of rows, the next rows.

        Raises: InvalidArgument for a chunk that does not fit; StorageFull.
        """
        self._members.write(chunk)

    def state(self) -> State:
        """Say how many rows there are of each array whose number is not known."""
        return {"rows": self._members.rows}

    def sync(self) -> None:
        """Make what was written durable."""
        self._members.sync()

    def _finish(self) -> None:
        """Complete the archive."""
        self._members.finish()


def check_names(names: Iterable[str]) -> None:
    """Refuse names that a zip archive cannot hold, or that `np.load` would take for one another.

    Raises: FormatError naming the first such name and the reason.
    """
    known = dict.fromkeys(names)
    for name in known:
        problem = _problem(name)
        if problem:
            raise FormatError(f"the name {name[:200]!r} {problem}, which .npz files cannot hold; rename the array")
        if name.endswith(".npy") and name.removesuffix(".npy") in known:
            raise FormatError(
                f"the names {name.removesuffix('.npy')!r} and {name!r} cannot be in one .npz file: np.load takes both "
                "for the first; rename one of them"
            )


def _problem(name: str) -> str | None:
    if "\0" in name:
        return "has a NUL character"
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        return "is not valid Unicode"
    return f"has {length} bytes, more than {_MOST_NAME_BYTES}" if length > _MOST_NAME_BYTES else None
