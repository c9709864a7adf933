"""The verb that gives files: `save`, and the spilling of `to_numpy`. It joins the stages and converts nothing.

Nothing that depends on a kind of value or on a format may enter this file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import DTypeLike, NDArray

from . import _fetch
from ._errors import FormatError, InvalidArgument, OutputExists
from ._lazy import as_written
from ._options import Replicas, layout_of, request_of, resolver_of
from ._places import local_path
from ._protocols import ArraySource, Group, MappableSink, Source
from ._sources import Plain, constant
from ._types import PLAIN, Request, joined
from ._units import parse_bytes
from ._verify import check_output, reference_of
from ._write import LONE_NAME, Job, format_of, specs_of, write


@as_written
def save(
    x: Any,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    max_bytes: int | str = "64MiB",
    dtype: DTypeLike | None = None,
    compression: str | None = None,
    chunks: Sequence[int] | None = None,
    replicas: Replicas = None,
    overwrite: bool = False,
    resume: bool = False,
    verify: bool = False,
    progress: bool | Callable[[int, int | None], None] | None = None,
) -> Path:
    """Write whatever `to_numpy` takes to a file, in bounded memory.

    x: a value of any size; a dataset is read once, block by block.
    path: its suffix names the format, unless `format` does ("npy", "h5" ...; "dir" is a folder of .npy files). `.npy`
        holds one array; the others any number, under the path of the leaf ("a/0/values"; "data" for an array given
        alone). A ragged value becomes `values` and `row_splits`, a sparse one `indices`, `values` and `shape`, None
        nothing.
    max_bytes: host bytes alive at once, beside x itself and what a codec holds: an int, or text such as "64MiB".
    dtype: cast numbers to this dtype on the way. replicas: as for `to_numpy`.
    compression: "zstd", "gzip", "blosc", "snappy" or "lz4", where the format has it. chunks: the shape of its chunks,
        where it has any; of a table (.parquet, .arrow), whose arrays all have the same number of rows, the most rows of
        a group, (n,).
    overwrite: replace an existing output; otherwise it is refused.
    resume: go on with an output that a kill, an error or a full disk interrupted. x must give the same again: its
        first and last pieces that are written are compared, the others neither read nor written a second time. Tables
        cannot be gone on from.
    verify: read the finished file back by the format's own library (NumPy, h5py, zarr, safetensors, pyarrow) and
        compare the dtype and shape of every array, and the checksum of every piece, with those of what was read from x.
    progress: True shows a progress bar, False none, None one after a second, in a terminal or notebook; a function is
        called with the bytes done and those in all (None where that is not known).

    Returns: the path. The output appears under its name whole, or not at all: it grows in a hidden folder beside it,
    which only one process at a time can fill, is synced, then renamed. After an error that folder stays, to be resumed.
    dtypes a format cannot name keep their bits and are named in its metadata.

    Raises: FormatError for an unknown suffix or what the format cannot hold, before anything is read; OutputExists;
    OutputBusy; StorageFull; MissingExtra; InvalidArgument for a missing folder, and with resume for another value;
    VerifyError; and what `to_numpy` raises, but for memory.

    >>> import numpy as np, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(np.load(save(np.arange(3), f"{folder}/a.npy")))
    [0 1 2]
    """
    source, request = resolver_of(replicas)(x), file_request(dtype)
    return to_file(
        source,
        path,
        request,
        format=format,
        max_bytes=max_bytes,
        layout=layout_of(compression, chunks),
        overwrite=overwrite,
        resume=resume,
        verify=verify,
        progress=progress,
    )


def file_request(dtype: DTypeLike | None) -> Request:
    """Say how values are wanted in a file.

    Raises: InvalidArgument for a dtype that is none of numbers.
    """
    request = request_of(dtype, True, None)
    if request.decode_text:
        raise InvalidArgument("dtype=str decodes strings in memory, and a file holds their bytes; leave dtype out")
    return request


def job_for(
    path: str | os.PathLike[str], request: Request, *, format: str | None, max_bytes: int | str, **options: Any
) -> Job:
    """Put together what is to be written and how; options: the other fields of a Job."""
    return Job(local_path(path), format_of(path, format), request, max_bytes=parse_bytes(max_bytes), **options)


def to_file(source: Source, path: str | os.PathLike[str], request: Request, **options: Any) -> Path:
    """Write a source as `save` does; options: those of `job_for`."""
    return run(source, job_for(path, request, **options))


def run(source: Source, job: Job) -> Path:
    """Write a source, and compare the finished file with it where the job says so."""
    if not job.verify:
        write(source, job)
        return job.path
    reference = reference_of(job.format, job.layout)  # what is missing for it is said before anything is read
    _, checksums = write(source, job)
    check_output(job.path, reference, specs_of(source, job.request), checksums)
    return job.path


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
        job = Job(local_path(path), format_of(path, None), request, PLAIN, parse_bytes("64MiB"), mapped=True)
        sink, _ = write(source, job)
    except OutputExists as error:
        raise OutputExists(f"{path} exists, and spill= replaces no file; remove it, or name another") from error
    assert isinstance(sink, MappableSink)
    return _rebuilt(source, sink.mapped(), "")


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
