"""Named arrays as a .safetensors file, which tools for model weights read. Only that format's bytes may enter.

Eight bytes say how long the header is, a JSON text, spaces at its end allowed; then the arrays follow without gaps.
Those of a larger alignment come first, behind a header of a multiple of 64 bytes, so that each can be mapped.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from .._errors import FormatError
from .._protocols import State
from .._types import ArraySpec, Chunk
from ..layouts.refusals import refuse_nameless
from ..layouts.safetensors_dtypes import MOST_HEADER_BYTES, RECORD, Encoding, encoding
from ._file_sink import FileSink
from ._packed import Packed, in_place
from ._runs import map_array

_ALIGNMENT_BYTES = 64
_MOST_ROWS = 2**63 - 1


class SafetensorsSink(FileSink):
    """A .safetensors file. What it cannot name is kept as a dtype that it can, and recorded in its metadata."""

    _specs: Mapping[str, ArraySpec]
    _encodings: dict[str, Encoding]
    _order: list[str]
    _base: int  # offset of the first array
    _packed: Packed

    def check(self, specs: Mapping[str, ArraySpec]) -> None:
        """Refuse strings, names that the header cannot hold, and a dtype without a name.

        Raises: FormatError.
        """
        for name, spec in specs.items():
            check(name, spec)

    def begin(self, specs: Mapping[str, ArraySpec], state: State | None = None) -> None:
        """Create the file with room for the header, and every array of known shape at its place.

        Raises: FormatError for what the format cannot hold; StorageFull.
        """
        self._specs = dict(specs)
        self._encodings = {name: check(name, spec) for name, spec in specs.items()}
        self._order = _order(specs)
        most = {name: tuple(_MOST_ROWS if n is None else n for n in spec.shape) for name, spec in specs.items()}
        spans = dict.fromkeys(specs, (_MOST_ROWS, _MOST_ROWS))  # no number takes more digits
        self._base = 8 + len(self._header(most, spans))
        starts, end = {}, self._base
        for name in in_place(specs, self._order):
            starts[name] = end
            end += specs[name].nbytes or 0
        if state is None:
            self._workspace.require(end)
        self._workspace.open()
        dtypes = {name: encoding.stored for name, encoding in self._encodings.items()}
        rows = None if state is None else state["rows"]
        self._packed = self._opened(Packed(self._workspace, self._specs, starts, end, dtypes=dtypes, rows=rows))

    def write(self, chunk: Chunk) -> None:
        """Fill one rectangular region; with an unknown number of rows, the next rows.

        Raises: InvalidArgument for a chunk that does not fit; StorageFull.
        """
        self._packed.write(chunk)

    def state(self) -> State:
        """Say how many rows there are of each array whose number is not known."""
        return {"rows": dict(self._packed.rows)}

    def sync(self) -> None:
        """Make what was written durable."""
        self._packed.sync()

    def check_mappable(self, specs: Mapping[str, ArraySpec]) -> None:
        """Refuse arrays whose bytes are turned, and those that may begin at an offset no map can be aligned to.

        Raises: FormatError naming the first such array and the reason.
        """
        step = 0  # whatever the rows that come, each array begins at a multiple of this
        for name in _order(specs):
            spec = specs[name]
            if spec.dtype != check(name, spec).stored:
                raise FormatError(
                    f"array {name!r} cannot be mapped: it is big-endian, {spec.dtype.str}, and .safetensors keeps the "
                    "bytes the other way; choose .npy or .h5"
                )
            if step % spec.dtype.alignment:
                raise FormatError(
                    f"array {name!r} cannot be mapped: it comes after rows whose number is not known, so .safetensors "
                    "may let it begin anywhere; choose .npy"
                )
            step = math.gcd(step, spec.row_nbytes if None in spec.shape else spec.nbytes or 0)

    def mapped(self) -> dict[str, NDArray[Any]]:
        """Give the committed arrays as writable memory maps of their logical dtypes.

        Raises: FormatError for an array that cannot be mapped; InvalidArgument before `commit`.
        """
        path, packed = self._committed(), self._packed
        self.check_mappable(self._specs)
        return {
            name: map_array(path, packed.starts[name], packed.shape(name), spec.dtype)
            for name, spec in self._specs.items()
        }

    def _finish(self) -> None:
        """Append what waits in side files, and write the header."""
        packed, spans, end = self._packed, {}, 0
        for name in self._order:
            packed.place(name, self._base + end)
            spans[name] = (end, end + packed.nbytes(name))
            end = spans[name][1]
        header = self._header({name: packed.shape(name) for name in self._specs}, spans)
        with packed.file.guard():
            packed.file.pwrite(struct.pack("<Q", self._base - 8) + header.ljust(self._base - 8), 0)
        packed.file.resize(self._base + end)
        packed.file.sync()

    def _header(self, shapes: Mapping[str, tuple[int, ...]], spans: Mapping[str, tuple[int, int]]) -> bytes:
        """Give the JSON text, padded so that what follows is aligned."""
        recorded = {RECORD + name: e.recorded for name, e in self._encodings.items() if e.recorded}
        entries: dict[str, Any] = {"__metadata__": recorded} if recorded else {}
        for name, found in self._encodings.items():
            shape = [*shapes[name], *found.tail]
            entries[name] = {"dtype": found.code, "shape": shape, "data_offsets": spans[name]}
        text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
        text += b" " * (-(8 + len(text)) % _ALIGNMENT_BYTES)
        if len(text) > MOST_HEADER_BYTES:
            raise FormatError(
                f"{len(shapes)} arrays need a header of {len(text)} bytes, and .safetensors allows "
                f"{MOST_HEADER_BYTES}; choose a .h5 path, or shorter names"
            )
        return text


def check(name: str, spec: ArraySpec) -> Encoding:
    """Say how an array is stored.

    Raises: FormatError for a name or a dtype that the format cannot hold.
    """
    if name == "__metadata__":
        raise FormatError("the name '__metadata__' is taken in .safetensors files; rename the array")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise FormatError(
            f"the name {name!r} is not valid Unicode, which .safetensors files cannot hold; rename the array"
        ) from error
    if spec.dtype.hasobject or spec.dtype.kind in "SUT":
        raise FormatError(
            f"array {name!r} has dtype {spec.dtype}, and .safetensors files hold no strings or objects; choose a .h5 "
            "or .zarr path for strings, and give numbers a dtype of numbers, np.asarray(x, 'float64')"
        )
    refuse_nameless(name, spec.dtype)
    found = encoding(spec.dtype)
    if found is None:
        raise FormatError(
            f"array {name!r} has dtype {spec.dtype}, which .safetensors files cannot hold; choose a .npy or .npz path, "
            "or cast it to a dtype of plain numbers"
        )
    return found


def _order(specs: Mapping[str, ArraySpec]) -> list[str]:
    """Say how arrays follow each other: those that grow last, and larger alignments first."""
    return sorted(specs, key=lambda name: (None in specs[name].shape, -specs[name].dtype.alignment))
