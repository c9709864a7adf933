"""What readers through pyarrow share: a blob as a file of pyarrow's, and its errors as ours. No format may enter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .._blob_file import BlobFile
from .._blobs import Blob
from .._errors import FormatError, Tf2NumpyError

# What pyarrow raises for what it finds in a damaged file; most of its own errors are kinds of these.
_DAMAGE = (OSError, RuntimeError, KeyError, IndexError, ValueError, TypeError, OverflowError, MemoryError)


class ArrowBlob(BlobFile):
    """A blob as a file object that gives views where the blob does."""

    def __init__(self, blob: Blob, pa: Any) -> None:
        super().__init__(blob)
        self._pa = pa

    def read_buffer(self, nbytes: int) -> Any:
        """Give the next bytes, as many as there are; pyarrow asks for this one where it need not own them."""
        start = min(self.tell(), self.blob.size)
        stop = min(start + nbytes, self.blob.size)
        self.seek(stop)
        return self._pa.py_buffer(self.blob.read(start, stop))


@contextmanager
def finding_damage(what: str) -> Iterator[None]:
    """Say of whatever pyarrow raises in the block that `what` cannot be read.

    Raises: FormatError.
    """
    try:
        yield
    except FormatError as error:
        raise type(error)(f"{what} cannot be read: {error}") from error
    except Tf2NumpyError:
        raise
    except Exception as error:
        if not isinstance(error, _DAMAGE) and not type(error).__module__.startswith("pyarrow"):
            raise
        raise FormatError(f"{what} cannot be read: {' '.join(str(error).split())[:500]}") from error
