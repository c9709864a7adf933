"""Named arrays as a Zarr v3 group. Names, the life of the folder and what Zarr can hold; chunks are others' matter.

Written here rather than through a library: an uncompressed chunk is the raw bytes of a region, which then go from the
tensor's memory to their place in a file at once, and any unfinished output can be gone on from.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _codecs
from .._errors import FormatError
from .._protocols import State
from .._types import ArraySpec, Chunk
from ..layouts.refusals import refuse_nameless, refuse_objects, refuse_text
from ..layouts.zarr_text import join
from ..layouts.zarr_types import Described, describe
from ._file_sink import FileSink
from ._pool import Pool
from ._runs import fit
from ._zarr_encoded import Encode, Encoded
from ._zarr_files import Files
from ._zarr_layout import ENCODED_CHUNK_BYTES, MOST_TEXT_ELEMENTS, grid_of
from ._zarr_meta import MARKER, array_document, group_document
from ._zarr_names import check_chunks, check_names
from ._zarr_plain import Plain


class ZarrSink(FileSink):
    """A folder that is a Zarr group. A name "a/b" is the array "b" in the group "a".

    Strings are `variable_length_bytes`; a dtype that Zarr cannot name is recorded in the array's attribute "dtype".
    """

    _files: Files
    _pool: Pool
    _specs: Mapping[str, ArraySpec]
    _described: dict[str, Described]
    _arrays: dict[str, Plain | Encoded]
    _itemsizes: dict[str, int]  # of strings, by the first that came
    _rows: dict[str, int]  # how many have come, of the arrays whose number is not known
    _compress: Encode | None = None

    def check(self, specs: Mapping[str, ArraySpec]) -> None:
        """Refuse names and arrays that Zarr cannot hold, and chunks that do not fit them.

        Raises: FormatError; InvalidArgument for the chunks.
        """
        check_names(specs, self._workspace.output)
        for name, spec in specs.items():
            _described(name, spec)
        check_chunks(specs, self._layout)

    def begin(self, specs: Mapping[str, ArraySpec], state: State | None = None) -> None:
        """Create the folder; or go on with it.

        Raises: FormatError for names and arrays that Zarr cannot hold, and InvalidArgument for chunks that do not fit
        them, before anything is created; StorageFull; MissingExtra without the library of the compression.
        """
        self.check(specs)
        self._described = {name: _described(name, spec) for name, spec in specs.items()}
        if self._layout.compression is not None:
            purpose = f"writing .zarr with compression={self._layout.compression!r}"
            self._compress = _codecs.encoder(self._layout.compression, purpose)
        self._specs = dict(specs)
        self._arrays, self._itemsizes = {}, {}
        self._rows = {name: 0 for name, spec in specs.items() if None in spec.shape}
        if state is None and self._compress is None:
            self._workspace.require(sum(spec.nbytes or 0 for spec in specs.values()))
        self._workspace.open()
        self._workspace.output.mkdir(exist_ok=state is not None)
        self._files, self._pool = self._opened(Files(self._workspace)), self._opened(Pool())
        if state is not None:
            self._rows = dict(state["rows"])
            self._itemsizes = dict(state["itemsizes"])
            for name, one in state["arrays"].items():
                self._make(name, one)

    def write(self, chunk: Chunk) -> None:
        """Fill one rectangular region; with an unknown number of rows, the next rows.

        Raises: InvalidArgument for a chunk that does not fit; FormatError for strings that are not bytes;
        StorageFull.
        """
        name, value = chunk.name, chunk.value
        index = fit(chunk, self._specs, self._rows.get(name))
        if value.dtype.hasobject:
            refuse_objects(name, index, value)
        if value.size:
            if name not in self._arrays:
                self._itemsizes[name] = _itemsize(value)
                self._make(name)
            self._arrays[name].write(index, value)
        if name in self._rows:
            self._rows[name] = index[0].stop

    def state(self) -> State:
        """Say how far each array is."""
        self._pool.drain()
        arrays = {name: array.state() for name, array in self._arrays.items()}
        self._files.mark()
        return {"rows": dict(self._rows), "itemsizes": dict(self._itemsizes), "arrays": arrays}

    def sync(self) -> None:
        """Make what was written before the last state durable."""
        self._files.sync()

    def _make(self, name: str, state: dict[str, Any] | None = None) -> None:
        """Begin an array, or go on with it."""
        spec = self._specs[name]
        text = spec.dtype.hasobject
        itemsize = self._itemsizes[name] if text else spec.dtype.itemsize
        chunk = self._layout.chunks if len(self._layout.chunks or ()) == len(spec.shape) else None
        encode = _text_encoder(self._compress) if text else self._compress
        grid = grid_of(spec.shape, itemsize, chunk=chunk, encoded=encode is not None)
        folder, fixed = self._workspace.output / name, chunk is not None
        if encode is None:
            self._arrays[name] = Plain(self._files, folder, spec, grid, fixed=fixed)
            return
        side = self._workspace.folder / f"waiting-{sorted(self._specs).index(name)}"
        self._arrays[name] = Encoded(
            self._files, self._pool, folder, side, spec, grid, encode, fixed=fixed, state=state
        )

    def _finish(self) -> None:
        """Encode what waits, and write the metadata."""
        self._pool.drain()
        for name in self._specs:
            self._finish_array(name)
        for group in {parent for name in self._specs for parent in Path(name).parents}:
            self._files.put(self._workspace.output / group / MARKER, group_document())
        self._files.mark()
        self._files.sync()

    def _finish_array(self, name: str) -> None:
        spec = self._specs[name]
        if name not in self._arrays:  # one without elements
            self._itemsizes.setdefault(name, ENCODED_CHUNK_BYTES // MOST_TEXT_ELEMENTS)
            self._make(name)
        shape = tuple(self._rows[name] if n is None else n for n in spec.shape)
        array = self._arrays[name]
        document = array_document(
            spec, shape, self._described[name], array.finish(shape), self._layout.compression, array.index_location
        )
        self._files.put(self._workspace.output / name / MARKER, document)


def _described(name: str, spec: ArraySpec) -> Described:
    refuse_text(name, spec.dtype, "T")
    refuse_nameless(name, spec.dtype)
    found = describe(spec.dtype)
    if found is None:
        raise FormatError(
            f"array {name!r} has dtype {spec.dtype}, which Zarr has no name for; cast it to one that it has"
        )
    return found


def _itemsize(value: NDArray[Any]) -> int:
    """Give the size to reckon with, of strings: their mean, with the four bytes of the length."""
    least = ENCODED_CHUNK_BYTES // MOST_TEXT_ELEMENTS
    return max(least, 4 + sum(map(len, value.flat)) // value.size) if value.dtype.hasobject else value.itemsize


def _text_encoder(compress: Encode | None) -> Encode:
    def encode(array: NDArray[Any]) -> bytes:
        data = join(array.flat, array.size)
        return data if compress is None else compress(np.frombuffer(data, np.uint8))

    return encode
