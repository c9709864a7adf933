"""The members of an uncompressed .npz file, filled in place. Compression may not enter.

The elements of every member begin at a multiple of 64 bytes, so that each can be mapped. The checksums that a zip
needs are taken at the end, by reading back what was written.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from .._types import ArraySpec, Chunk
from .._workspace import Workspace
from ._npy_file import file_header as npy_header
from ._packed import Packed, in_place
from ._zip import Member, directory

_ALIGNMENT_BYTES = 64
_PIECE_BYTES = 4 << 20


class StoredMembers:
    """An archive whose members are filled side by side; those that grow come last."""

    def __init__(
        self, workspace: Workspace, specs: Mapping[str, ArraySpec], *, rows: Mapping[str, int] | None = None
    ) -> None:
        """Create the file with a place for every array of known shape; or go on with it."""
        self._specs = specs
        self._order = sorted(specs, key=lambda name: None in specs[name].shape)
        starts, end = {}, 0
        for name in in_place(specs, self._order):
            starts[name] = end + self._preamble_nbytes(name, end)
            end = starts[name] + (specs[name].nbytes or 0)
        if rows is None:
            workspace.require(end)
        workspace.open()
        self._packed = Packed(workspace, specs, starts, end, rows=rows)

    @property
    def rows(self) -> dict[str, int]:
        """How many have come, of each array whose number is not known."""
        return dict(self._packed.rows)

    def write(self, chunk: Chunk) -> None:
        """Fill one rectangular region; with an unknown number of rows, the next rows.

        Raises: InvalidArgument for a chunk that does not fit; StorageFull.
        """
        self._packed.write(chunk)

    def sync(self) -> None:
        """Make what was written durable."""
        self._packed.sync()

    def finish(self) -> None:
        """Append what waits in side files, write headers, checksums and directory; make the file durable."""
        file, members, end = self._packed.file, [], 0
        for name in self._order:
            start = end + self._preamble_nbytes(name, end)
            self._packed.place(name, start)
            nbytes = start - end - self._zip_nbytes(name, end) + self._packed.nbytes(name)
            members.append(replace(_member(name, end), nbytes=nbytes, packed_nbytes=nbytes))
            end = start + self._packed.nbytes(name)
        file.resize(end)
        with ThreadPoolExecutor(1) as threads:
            synced = threads.submit(file.sync)  # the disk works while the processor takes checksums
            for number, (name, member) in enumerate(zip(self._order, members, strict=True)):
                members[number] = self._finished(name, member)
            synced.result()
        with file.guard():
            file.pwrite(directory(members, end), end)
        file.sync()
        self._packed.close()

    def close(self) -> None:
        """Close every file; a second time does nothing."""
        self._packed.close()

    def _finished(self, name: str, member: Member) -> Member:
        """Write what comes before an array's elements, and give the member with its checksum."""
        file, start = self._packed.file, self._packed.starts[name]
        header = npy_header(self._packed.shape(name), self._specs[name].dtype)
        member = replace(member, crc=_checksum(file.fd, start, self._packed.nbytes(name), zlib.crc32(header)))
        with file.guard():
            file.pwrite(member.local_header() + header, member.at)
        return member

    def _preamble_nbytes(self, name: str, at: int) -> int:
        spec = self._specs[name]
        shape = tuple(0 if n is None else n for n in spec.shape)
        return self._zip_nbytes(name, at) + len(npy_header(shape, spec.dtype))

    def _zip_nbytes(self, name: str, at: int) -> int:
        return len(_member(name, at).local_header())


def _member(name: str, at: int) -> Member:
    return Member(f"{name}.npy", at, alignment=_ALIGNMENT_BYTES)


def _checksum(fd: int, start: int, nbytes: int, crc: int) -> int:
    """Go on with a checksum over bytes of a file."""
    buffer, done = memoryview(bytearray(min(_PIECE_BYTES, nbytes))), 0
    while done < nbytes:
        count = os.preadv(fd, [buffer[: nbytes - done]], start + done)
        if not count:
            raise OSError(f"the file being written ended after {start + done} of {start + nbytes} bytes")
        crc, done = zlib.crc32(buffer[:count], crc), done + count
    return crc
