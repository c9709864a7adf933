"""The members of a compressed .npz file: .npy files first, packed into the archive once they are whole.

Blocks of a member are compressed side by side, each with the end of the one before it as its dictionary, and
together they are one ordinary deflate stream.
"""

from __future__ import annotations

import os
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from .._types import ArraySpec, Chunk
from .._workspace import Workspace
from ._npy_file import nbytes
from ._npy_folder import NpyFolder
from ._output_file import OutputFile
from ._zip import DEFLATED, Member, directory

_BLOCK_BYTES = 1 << 20
_WINDOW_BYTES = 1 << 15  # as far as deflate looks back
_MOST_THREADS = 16


class DeflatedMembers:
    """.npy files in the workspace, and the archive that `finish` makes of them."""

    def __init__(
        self, workspace: Workspace, specs: Mapping[str, ArraySpec], *, rows: Mapping[str, int] | None = None
    ) -> None:
        """Create the .npy files, at full size where that is known; or go on with them."""
        if rows is None:
            workspace.require(sum(map(nbytes, specs.values())))
        workspace.open()
        self._workspace = workspace
        files = {name: f"{number}.npy" for number, name in enumerate(specs)}  # the members' names may be no file names
        self._folder = NpyFolder(workspace, workspace.folder / "members", specs, files, rows=rows)

    @property
    def rows(self) -> dict[str, int]:
        """How many have come, of each array whose number is not known."""
        return self._folder.rows

    def write(self, chunk: Chunk) -> None:
        """Fill one rectangular region; with an unknown number of rows, the next rows.

        Raises: InvalidArgument for a chunk that does not fit; StorageFull.
        """
        self._folder.write(chunk)

    def sync(self) -> None:
        """Make what was written durable."""
        self._folder.sync()

    def finish(self) -> None:
        """Compress every .npy file into the archive, and make that durable."""
        self._folder.complete()
        with suppress(FileNotFoundError):  # of a commit that was interrupted
            self._workspace.output.unlink()
        output = OutputFile(self._workspace)
        try:
            members, end = [], 0
            with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS)) as threads:
                for name, path in self._folder.paths.items():
                    members.append(_packed(threads, output, Member(f"{name}.npy", end, DEFLATED), path))
                    end += len(members[-1].local_header()) + members[-1].packed_nbytes
            with output.guard():
                output.pwrite(directory(members, end), end)
            output.sync()
        finally:
            output.close()

    def close(self) -> None:
        """Close every file; a second time does nothing."""
        self._folder.close()


def _packed(threads: ThreadPoolExecutor, output: OutputFile, member: Member, path: Path) -> Member:
    """Write one member: its content first, then the header that tells its sizes."""
    start = end = member.at + len(member.local_header())
    crc = size = 0
    with output.guard():
        for block, packed in _deflated(threads, path):
            crc, size = zlib.crc32(block, crc), size + len(block)
            output.pwrite(packed, end)
            end += len(packed)
        member = replace(member, crc=crc, nbytes=size, packed_nbytes=end - start)
        output.pwrite(member.local_header(), member.at)
    return member


def _deflated(threads: ThreadPoolExecutor, path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Give each block of a file and what it becomes; only a few blocks are in memory at once."""
    waiting: deque[tuple[bytes, Future[bytes]]] = deque()
    most = 2 * min(os.cpu_count() or 1, _MOST_THREADS)
    with path.open("rb", buffering=0) as file:
        before, block = b"", file.read(_BLOCK_BYTES)
        while block:
            after = file.read(_BLOCK_BYTES)
            waiting.append((block, threads.submit(_deflate, block, before[-_WINDOW_BYTES:], not after)))
            before, block = block, after
            if len(waiting) >= most:
                ready, future = waiting.popleft()
                yield ready, future.result()
    for ready, future in waiting:
        yield ready, future.result()


def _deflate(block: bytes, before: bytes, last: bool) -> bytes:
    packer = zlib.compressobj(wbits=-15, zdict=before) if before else zlib.compressobj(wbits=-15)
    return packer.compress(block) + packer.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)
