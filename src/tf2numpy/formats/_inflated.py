"""One compressed member of a .npz file, unpacked as far as it is read. Other members may not enter."""

from __future__ import annotations

import math
import threading
import zipfile
import zlib
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from .._dtypes import storage
from .._errors import FormatError, Tf2NumpyError
from .._host import allocate, hand_out, region
from .._sources import Numeric
from .._types import ArraySpec, Index, Request
from ._npy_header import Header

_PIECE_BYTES = 1 << 20


class Inflated(Numeric):
    """An array that is unpacked from its start on: pieces in C order cost one pass, and a step back a new one.

    An array in Fortran order is unpacked whole for every piece.
    """

    def __init__(
        self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, header: Header, *, kind: str, shown: str
    ) -> None:
        self.kind, self.device = kind, f"file {shown}"
        self.spec = ArraySpec(header.shape, header.dtype)
        self._archive, self._member, self._header, self._shown = archive, member, header, shown
        self._stream: IO[bytes] | None = None
        self._lock = threading.Lock()  # one stream, one place in it

    def host_bytes(self, request: Request) -> int:
        """Bytes of the new array, and of the unpacked one where a cast needs both."""
        unpacked = self.spec.nbytes or 0
        if request.dtype in (None, self.spec.dtype):
            return unpacked
        return unpacked + self._copied_bytes(request, movable=True)

    def fetch(self, request: Request) -> NDArray[Any]:
        """Unpack the whole."""
        why = "it lies compressed in its file"
        if request.copy is False and request.out is None:
            return hand_out(np.empty(0, self.spec.dtype), request, owned=True, why_no_view=why)  # which refuses
        return hand_out(self._whole(), request, owned=True, why_no_view=why)

    def read(self, index: Index) -> NDArray[Any]:
        """Unpack up to the end of a region."""
        if self._header.fortran:
            return region(self._whole(), index).copy()
        full = index + tuple(slice(0, n) for n in self.shape[len(index) :])
        result = allocate(tuple(s.stop - s.start for s in full), self.spec.dtype)
        if result.size:
            with self._lock:
                self._unpack(result, full, 0)
        return result

    def _unpack(self, target: NDArray[Any], index: Index, offset: int) -> None:
        """Fill a region, by a slice for each axis of `target`, of the part of the array that begins at this offset."""
        rest = self.shape[len(self.shape) - target.ndim + 1 :]
        step = math.prod(rest) * self.spec.dtype.itemsize
        if not index or target.shape[1:] == rest:
            self._fill(_bytes(target), offset + (index[0].start * step if index else 0))
            return
        for place, number in enumerate(range(index[0].start, index[0].stop)):
            self._unpack(target[place], index[1:], offset + number * step)

    def close(self) -> None:
        """Let go of the archive; a second time does nothing."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        if self._stream is not None:
            stream, self._stream = self._stream, None
            stream.close()

    def _whole(self) -> NDArray[Any]:
        shape = self.shape[::-1] if self._header.fortran else self.shape
        result = allocate(shape, self.spec.dtype)
        with self._lock:
            self._fill(_bytes(result), 0)
        return result.T if self._header.fortran else result

    def _fill(self, target: memoryview, offset: int) -> None:
        """Unpack bytes of the array from this offset on.

        Raises: FormatError if the member is damaged.
        """
        done = 0
        try:
            if self._stream is None:
                self._stream = self._archive.open(self._member)
            self._stream.seek(self._header.start + offset)
            while done < len(target):
                piece = self._stream.read(min(_PIECE_BYTES, len(target) - done))
                if not piece:
                    raise EOFError(f"it ends after {self._header.start + offset + done} bytes")
                target[done : done + len(piece)] = piece
                done += len(piece)
        except Tf2NumpyError:
            self._forget()
            raise
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError) as error:
            self._forget()
            raise FormatError(
                f"the member {self._member.filename!r} of {self._shown!r} cannot be unpacked: {error}"
            ) from error


def _bytes(array: NDArray[Any]) -> memoryview:
    """Give the memory of an array in C order, to be filled."""
    return array.view(storage(array.dtype)).reshape(-1).view(np.uint8).data
