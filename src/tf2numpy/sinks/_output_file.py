"""One file of an output while it is written: bytes at offsets. No path checking and no file format may enter."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .._workspace import Workspace

# One pwrite moves at most 0x7ffff000 bytes on Linux and fails for more than 2 GiB - 1 on macOS.
_PIECE_BYTES = 1 << 30


class OutputFile:
    """A file inside a workspace, open for reading and writing until `close`.

    path: where it lies until it is published. written bytes are counted by the workspace.
    """

    def __init__(self, workspace: Workspace, path: Path | None = None, *, keep: bool = False) -> None:
        """Create the file, by default the workspace's output; keep: open the one that is there as it is."""
        self.workspace = workspace
        self.path = workspace.output if path is None else path
        flags = os.O_RDWR | getattr(os, "O_CLOEXEC", 0)
        with workspace.guard():
            self.fd = os.open(self.path, flags if keep else flags | os.O_CREAT | os.O_EXCL, 0o666)

    def pwrite(self, buffer: bytes | memoryview, offset: int) -> None:
        """Write all of a contiguous buffer at a byte offset; to be called inside `guard`."""
        pwrite_all(self.fd, buffer, offset)
        self.workspace.written += memoryview(buffer).nbytes

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Turn "no room" into StorageFull."""
        with self.workspace.guard():
            yield

    def resize(self, nbytes: int) -> None:
        """Give the file this size; what was never written reads as zeros."""
        with self.guard():
            os.ftruncate(self.fd, nbytes)

    def sync(self) -> None:
        """Make what was written durable."""
        with self.guard():
            os.fsync(self.fd)

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            os.close(fd)


def pwrite_all(fd: int, buffer: bytes | memoryview, offset: int) -> None:
    """Write all of a C-contiguous buffer at a byte offset of the file, without copying it.

    Raises: OSError as os.pwrite does; some of the bytes may have been written by then.
    """
    rest = memoryview(buffer)
    if not rest.nbytes:
        return  # an empty view cannot be cast
    rest = rest.cast("B")
    while rest:
        count = os.pwrite(fd, rest[:_PIECE_BYTES], offset)
        rest, offset = rest[count:], offset + count
