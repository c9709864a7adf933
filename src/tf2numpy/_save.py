"""The verb that gives files: `save`, and the spilling of `to_numpy`. It joins the stages and converts nothing.

Nothing that depends on a kind of value or on a format may enter this file.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import DTypeLike, NDArray

from . import _fetch, _registry
from ._errors import FormatError, InvalidArgument, OutputExists
from ._lazy import as_written
from ._options import Replicas, request_of, resolver_of
from ._progress import Progress
from ._protocols import ArraySource, Group, MappableSink, RowSource, Sink, Source
from ._sources import Plain, constant
from ._types import ArraySpec, Chunk, Request, joined
from ._units import parse_bytes

# The name of an array that has none: a tensor, variable or one-array dataset given alone.
LONE_NAME = "data"


@as_written
def save(
    x: Any,
    path: str | os.PathLike[str],
    *,
    max_bytes: int | str = "64MiB",
    dtype: DTypeLike | None = None,
    replicas: Replicas = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> Path:
    """Write whatever `to_numpy` takes to a file, in bounded memory.

    x: a value of any size; a dataset is read once, block by block.
    path: its suffix names the format. `.npy` holds one array; `.h5` (or `.hdf5`) holds any number, under the path
        of the leaf ("a/0/values"; "data" for an array given alone). A ragged value becomes `values` and
        `row_splits`, a sparse one `indices`, `values` and `shape`, None nothing.
    max_bytes: host bytes alive at once, beside x itself: an int, or text such as "64MiB".
    dtype: cast numbers to this dtype on the way. replicas: as for `to_numpy`.
    overwrite: replace an existing file; otherwise it is refused.
    progress: True shows a progress bar, False none, None one after a second, in a terminal or notebook.

    Returns: the path. The file appears under its name whole, or not at all: it is written beside it under a hidden
    name, synced, then renamed. dtypes a format cannot name keep their bits and are named in its metadata.

    Raises: FormatError for an unknown suffix or what the format cannot hold, before anything is read; OutputExists;
    StorageFull; MissingExtra; InvalidArgument for a missing folder; and what `to_numpy` raises, but for memory.

    >>> import numpy as np, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(np.load(save(np.arange(3), f"{folder}/a.npy")))
    [0 1 2]
    """
    source, request = resolver_of(replicas)(x), request_of(dtype, True, None)
    if request.decode_text:
        raise InvalidArgument("dtype=str decodes strings in memory, and a file holds their bytes; leave dtype out")
    _write(source, Path(path), request, parse_bytes(max_bytes), overwrite=overwrite, progress=progress)
    return Path(path)


def spilled(source: Source, path: str | os.PathLike[str], request: Request) -> Any:
    """Write a value to a file and give it back with writable memory maps of that file as its arrays."""
    if request.out is not None:
        raise InvalidArgument("out= and spill= name two places for one result; leave one of them out")
    if request.copy is False:
        raise InvalidArgument("spill= makes a copy in a file and copy=False forbids one; leave one of them out")
    source = _without_scalars(source, request)
    strings = [name for name, spec in _fetch.specs_of(source, LONE_NAME).items() if spec.dtype.hasobject]
    if strings:
        raise FormatError(
            f"strings cannot be mapped from a file, and {', '.join(strings)} holds some; write them with save(x, "
            "'x.h5'), or take them in pieces with iter_chunks(x)"
        )
    try:
        sink = _write(source, Path(path), request, parse_bytes("64MiB"), mapped=True)
    except OutputExists as error:
        raise OutputExists(f"{path} exists, and spill= replaces no file; remove it, or name another") from error
    assert isinstance(sink, MappableSink)
    return _rebuilt(source, sink.mapped(), "")


def _write(
    source: Source,
    path: Path,
    request: Request,
    max_bytes: int,
    *,
    overwrite: bool = False,
    progress: bool | None = None,
    mapped: bool = False,
) -> Sink:
    """Write every array of a source; mapped: only to a file that the arrays can then be mapped from."""
    factory = _registry.sink_factory(path.suffix)
    _fetch.check_request(source, request)
    specs = {name: _fetch.cast(spec, request) for name, spec in _fetch.specs_of(source, LONE_NAME).items()}
    if not specs:
        raise FormatError(f"there is nothing to write to {path}: this {source.kind} holds no array")
    sink = factory(path, overwrite=overwrite)
    if mapped:
        if not isinstance(sink, MappableSink):
            raise FormatError(f"the arrays of {path} could not be mapped into memory; choose .npy or .h5")
        sink.check_mappable(specs)
    try:
        return _fill(sink, specs, source, max_bytes, progress)
    except WrongRowCount as error:
        warnings.warn(f"{error}; reading it again without relying on that number", stacklevel=3)
        error.leaf.forget_count()
    return _write(source, path, request, max_bytes, overwrite=overwrite, progress=progress, mapped=mapped)


class WrongRowCount(Exception):
    """A dataset gave another number of rows than it said it had; never leaves this file."""

    def __init__(self, leaf: RowSource, spec: ArraySpec, gave: int | None) -> None:
        more = int(spec.structural)  # row_splits are one more than the rows they cut
        counted = "more" if gave is None else str(max(0, gave - more))
        super().__init__(f"the dataset said it had {(spec.shape[0] or 0) - more} rows and gave {counted}")
        self.leaf = leaf


def _fill(sink: Sink, specs: Mapping[str, ArraySpec], source: Source, max_bytes: int, progress: bool | None) -> Sink:
    sizes = [spec.nbytes for spec in specs.values()]
    total = None if None in sizes else sum(size or 0 for size in sizes)
    try:
        sink.begin(specs)
        with Progress("writing", unit="B", total=total, show=progress) as bar:
            for chunk in _chunks(source, specs, max_bytes):
                nbytes = _put(sink, chunk, specs[chunk.name])
                del chunk  # nothing of a piece may stay alive while the next one is read
                bar.update(nbytes)
        sink.commit()
    except BaseException:
        sink.abort()
        raise
    return sink


def _put(sink: Sink, chunk: Chunk, spec: ArraySpec) -> int:
    """Write one piece in its array's dtype, and give its bytes."""
    array = chunk.value.astype(spec.dtype, copy=False)
    sink.write(replace(chunk, value=array))
    return int(array.nbytes)


def _chunks(source: Source, specs: Mapping[str, ArraySpec], max_bytes: int) -> Iterator[Chunk]:
    """Give every flat array of a source in chunks; rows that were promised and do not come raise WrongRowCount."""
    for name, leaf in _fetch.leaves(source):
        if isinstance(leaf, ArraySource):
            full = name or LONE_NAME
            for index in leaf.regions(_readable(max_bytes, leaf.spec, specs[full])):
                yield Chunk(full, index, leaf.read(index))
            continue
        promised = {joined(name, part) or LONE_NAME: spec for part, spec in leaf.specs().items()}
        ends = dict.fromkeys(promised, 0)
        readable = [_readable(max_bytes, spec, specs[full]) for full, spec in promised.items()]
        for chunk in leaf.chunks(min(readable, default=max_bytes)):
            full, end = joined(name, chunk.name) or LONE_NAME, chunk.index[0].stop
            ends[full] = end
            rows = promised[full].shape[0]
            if rows is not None and end > rows:
                raise WrongRowCount(leaf, promised[full], None)
            yield replace(chunk, name=full)
        for full, spec in promised.items():
            if spec.shape[0] is not None and ends[full] < spec.shape[0]:
                raise WrongRowCount(leaf, spec, ends[full])


def _readable(max_bytes: int, read: ArraySpec, stored: ArraySpec) -> int:
    """Bytes to read at once: of a cast, the piece that was read and what it becomes are alive together."""
    if read.dtype == stored.dtype:
        return max_bytes
    return max_bytes * read.dtype.itemsize // (read.dtype.itemsize + stored.dtype.itemsize)


def _rebuilt(source: Source, arrays: Mapping[str, NDArray[Any]], prefix: str) -> Any:
    if isinstance(source, Group):
        return source.build([_rebuilt(part, arrays, joined(prefix, name)) for name, part in source.parts])
    if isinstance(source, ArraySource):
        return arrays[prefix or LONE_NAME]
    return source.build({part: arrays[joined(prefix, part) or LONE_NAME] for part in source.specs()})


def _without_scalars(source: Source, request: Request) -> Source:
    """Leave out the numbers and texts beside the arrays: they stay what they are."""
    if isinstance(source, Plain) and not source.spec.shape:
        return constant(source.fetch(request.for_array(source.spec)))
    if not isinstance(source, Group):
        return source
    return replace(source, parts=[(name, _without_scalars(part, request)) for name, part in source.parts])
