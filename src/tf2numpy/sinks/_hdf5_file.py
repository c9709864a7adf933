"""The file as HDF5 sees it. Nothing about datasets may enter.

HDF5 crashes the process if a write fails and it must then close the file, for it cannot let go of what it could
not write, or reads what never arrived. So it never learns of a failure: what follows the first one is kept in
memory, and the error is raised once HDF5 has returned.
"""

from __future__ import annotations

import os

from ._output_file import OutputFile


class ShieldedFile:
    """A file object for h5py whose writes always seem to succeed; `check` says whether they did.

    file: the real one, for whoever writes past HDF5.
    """

    def __init__(self, file: OutputFile, *, empty: bool = False) -> None:
        """Wrap a file; empty: HDF5 is to lay it out anew, around bytes of arrays that may be in it already."""
        self.file = file
        self._position = 0
        self._end = 0 if empty else os.fstat(file.fd).st_size
        self._failure: OSError | None = None
        self._kept: list[tuple[int, bytes]] = []  # (byte offset, bytes) of the writes that failed, oldest first

    def check(self) -> None:
        """Raise what the first failed write raised; call it after every few MiB, as the rest stays in memory."""
        if self._failure is not None:
            raise self._failure

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a byte offset from the start (whence 0), from here (1) or from the end (2)."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._end}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Give the byte offset of the next read or write."""
        return self._position

    def write(self, data: memoryview) -> int:
        """Write all of the bytes; keep them once a write has failed."""
        try:
            self.check()
            self.file.pwrite(data, self._position)
        except OSError as error:
            self._failure = error
            self._kept.append((self._position, bytes(data)))
        self._position += len(data)
        self._end = max(self._end, self._position)
        return len(data)

    def readinto(self, buffer: memoryview) -> int:
        """Fill the whole buffer; what lies past the end is zeros."""
        buffer = memoryview(buffer).cast("B")  # older h5py gives a view of Cython's own, which takes no bytes
        start, stop = self._position, self._position + len(buffer)
        count = os.preadv(self.file.fd, [buffer[: max(0, self._end - start)]], start)
        buffer[count:] = bytes(len(buffer) - count)
        for offset, data in self._kept:
            first, last = max(start, offset), min(stop, offset + len(data))
            if first < last:
                buffer[first - start : last - start] = data[first - offset : last - offset]
        self._position = stop
        return len(buffer)

    def read(self, nbytes: int) -> bytes:
        """Give the next bytes; h5py knows a file object by this method, and does not call it."""
        buffer = bytearray(nbytes)
        self.readinto(memoryview(buffer))
        return bytes(buffer)

    def truncate(self, nbytes: int) -> int:
        """Give the file this size."""
        try:
            self.check()
            os.ftruncate(self.file.fd, nbytes)
        except OSError as error:
            self._failure = error
        self._end = nbytes
        return nbytes

    def flush(self) -> None:
        """Nothing is held back."""
