"""A blob as a file object, for libraries that read through one. What they read may not enter."""

from __future__ import annotations

import errno
import io
import os
from typing import Any

from ._blobs import Blob
from ._errors import Tf2NumpyError


class BlobFile(io.RawIOBase):
    """A file object, read-only, that ends where the blob ends.

    failed: why the bytes could not be had, which a library may take for damage, and not tell.
    """

    def __init__(self, blob: Blob) -> None:
        self.blob, self._at = blob, 0
        self.failed: Tf2NumpyError | None = None

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read in any order."""
        return True

    def tell(self) -> int:
        """Give the position in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a position, beyond the end as well, as in any file."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.blob.size}[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL, f"byte {base + offset} was asked for", self.blob.name)
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        """Copy bytes, as many as there are and as fit."""
        target = memoryview(buffer).cast("B")
        stop = min(self._at + len(target), self.blob.size)
        count = max(0, stop - self._at)
        if count:
            try:
                target[:count] = self.blob.read(self._at, stop).data
            except Tf2NumpyError as error:
                self.failed = error
                raise
        self._at += count
        return count
