"""One source into one sink, in bounded memory, from where it was interrupted if it was.

Nothing that depends on a kind of value or on a format may enter this file.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import _fetch, _registry
from ._checksum import checksum
from ._dtypes import logical_name
from ._errors import FormatError, InvalidArgument, NotAsStated
from ._progress import Progress
from ._protocols import MappableSink, RowSource, Sink, SinkFactory, Source
from ._refused import check_all
from ._resume import Ledger
from ._row_steps import check_one_stream, row_steps
from ._stream import Ahead, Step, is_free_to_read
from ._types import ArraySpec, Chunk, Layout, Request, joined
from ._workspace import Workspace

# The name of an array that has none: a tensor, variable or one-array dataset given alone.
LONE_NAME = "data"


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be written, and how; see `save` for each field. mapped: only where it can be mapped afterwards."""

    path: Path
    format: str
    request: Request
    layout: Layout
    max_bytes: int
    overwrite: bool = False
    resume: bool = False
    verify: bool = False
    progress: bool | Callable[[int, int | None], None] | None = None
    mapped: bool = False

    @property
    def shown(self) -> str:
        """The path as messages show it."""
        return repr(str(self.path))

    @property
    def group_bytes(self) -> int:
        """Bytes of the rows that become one group, where an output has any."""
        return self.max_bytes // 4

    @property
    def row(self) -> _registry.Format:
        """The format's row in the table of sinks; raises as `sink_format`."""
        return _registry.sink_format(self.format, self.layout)


def format_of(path: str | os.PathLike[str], format: str | None) -> str:
    """Give the key of a format in the table of sinks: as named, or else the suffix."""
    if format is None:
        return Path(path).suffix
    return format if format in _registry.SINKS else f".{format.removeprefix('.')}"


class WrongRowCount(NotAsStated):
    """A dataset gave another number of rows than it said it had."""

    def __init__(self, leaf: RowSource, spec: ArraySpec, gave: int | None) -> None:
        more = int(spec.structural)  # row_splits are one more than the rows they cut
        counted = "more" if gave is None else str(max(0, gave - more))
        super().__init__(leaf, f"the dataset said it had {(spec.shape[0] or 0) - more} rows and gave {counted}")


def write(source: Source, job: Job) -> tuple[Sink, list[Any]]:
    """Write every array of a source; give the committed sink, and the checksums of the pieces if they were wanted.

    Raises: what `save` raises.
    """
    workspace, sink = prepared(source, job)
    workspace.open(keep=job.resume)
    ledger = Ledger(workspace.folder / "journal", resume=job.resume, guard=workspace.guard, marks=job.row.resumes)
    if ledger.head is None:  # killed before the first mark: nothing that is there counts
        workspace.clear()
    try:
        _fill(source, sink, ledger, job)
    except NotAsStated as error:
        ledger.close()
        sink.abort()
        if isinstance(error, WrongRowCount):
            warnings.warn(f"{error}; reading it again without relying on that number", stacklevel=5)
        error.leaf.distrust()
        return write(source, replace(job, resume=False))
    except BaseException as error:
        if ledger.keep(sink) and not job.mapped:
            sink.suspend()
            error.add_note(
                f"What is written so far is kept in {workspace.folder.name!r} beside {job.shown}: save it with "
                "resume=True to go on from there; saving it without begins anew and removes that."
            )
        else:
            sink.abort()
        raise
    return sink, ledger.checksums


def prepared(source: Source, job: Job) -> tuple[Workspace, Sink]:
    """Give a sink that can take all of a source, and the place where its output will grow; nothing is there yet.

    Raises: what `save` raises before it reads anything.
    """
    found = job.row
    if job.resume and not found.resumes:
        raise InvalidArgument(
            f"an interrupted {job.format} file cannot be gone on from, as it lacks its footer, without which no row of "
            "it can be read; leave resume=True out, or choose .h5 or .zarr"
        )
    _fetch.check_request(source, job.request)
    if not _fetch.specs_of(source, LONE_NAME):
        raise FormatError(f"there is nothing to write to {job.path}: this {source.kind} holds no array")
    workspace = Workspace(job.path, overwrite=job.overwrite, marker=found.marker)
    factory: SinkFactory = _registry.load(found.target, "sinks")
    sink = factory(workspace, replace(job.layout, group_bytes=job.group_bytes))
    specs = specs_of(source, job.request)
    if job.mapped:
        if not isinstance(sink, MappableSink):
            raise FormatError(f"the arrays of {job.path} could not be mapped into memory; choose .npy or .h5")
        sink.check_mappable(specs)
    if found.by_rows:
        check_one_stream(source, f"a {job.format} file")
        sink.check(specs)  # which names all of them: whether one fits depends on the others
    else:
        check_all(sink, specs)
    return workspace, sink


def _fill(source: Source, sink: Sink, ledger: Ledger, job: Job) -> None:
    if ledger.head is not None:
        _state_as_begun(source, ledger.head)
    specs = specs_of(source, job.request)
    max_bytes = ledger.head["max_bytes"] if ledger.head else job.max_bytes
    head = _head(specs, job, max_bytes)
    ledger.check(head, job.shown)
    if job.max_bytes < max_bytes:
        raise InvalidArgument(
            f"{job.shown} was begun with max_bytes={max_bytes}, and its pieces need as much; found {job.max_bytes}"
        )
    sink.begin(specs, ledger.sink_state)
    ledger.begin(head)
    rows = {number: leaf for number, _, leaf in _row_leaves(source)}
    ahead = not is_free_to_read(source)
    alive = Ahead.ALIVE if ahead else 1
    if job.row.by_rows:  # what waits for a group to be whole is alive too
        pieces = row_steps(source, min(job.group_bytes, _piece_bytes(source, specs, max_bytes, alive=alive + 1)))
    else:
        pieces = ledger.remaining(source, _piece_bytes(source, specs, max_bytes, alive=alive), job.shown)
    sizes = [spec.nbytes for spec in specs.values()]
    total = None if None in sizes else sum(size or 0 for size in sizes)
    stream = iter(Ahead(pieces)) if ahead else pieces
    with Progress("writing", unit="B", total=total, show=job.progress) as bar, closing(stream):
        for step in stream:
            bar.update(_take(step, sink, specs, ledger, rows.get(step.leaf), verify=job.verify))
            del step  # nothing of a piece may stay alive while the next one is read
            ledger.mark_if_due(sink)
        for _, names, leaf in _row_leaves(source):
            _check_count(leaf, names, specs, ledger)
        ledger.settle(sink)
        sink.commit()
        ledger.close()


def _take(
    step: Step, sink: Sink, specs: dict[str, ArraySpec], ledger: Ledger, leaf: RowSource | None, *, verify: bool
) -> int:
    """Write the pieces of a step and note it; give its bytes."""
    nbytes, checksums = 0, []
    ledger.writing()
    for chunk in step.chunks:
        name = chunk.name or LONE_NAME
        spec = specs[name]
        if leaf is not None:
            ledger.ends[name] = chunk.index[0].stop
            if spec.shape[0] is not None and chunk.index[0].stop > spec.shape[0]:
                raise WrongRowCount(leaf, spec, None)
        array = chunk.value.astype(spec.dtype, copy=False)
        if verify:
            checksums.append([name, [[s.start, s.stop] for s in chunk.index], checksum(array)])
        sink.write(Chunk(name, chunk.index, array))
        nbytes += array.nbytes
    ledger.note(step, checksums)
    return nbytes


def _row_leaves(source: Source) -> Iterator[tuple[int, list[str], RowSource]]:
    """Give every leaf that comes in rows: its number among all leaves, and the names of its arrays."""
    for number, (prefix, leaf) in enumerate(_fetch.leaves(source)):
        if isinstance(leaf, RowSource):
            yield number, [joined(prefix, part) or LONE_NAME for part in leaf.specs()], leaf


def _check_count(leaf: RowSource, names: list[str], specs: dict[str, ArraySpec], ledger: Ledger) -> None:
    """Refuse a dataset that gave fewer rows than it said; one that gave none has no entry among the ends."""
    for name in names:
        count, end = specs[name].shape[0], ledger.ends.get(name, 0)
        if count is not None and end < count:
            raise WrongRowCount(leaf, specs[name], end)


def specs_of(source: Source, request: Request) -> dict[str, ArraySpec]:
    """Describe every array of a source as it will be in the file."""
    return {name: _fetch.cast(spec, request) for name, spec in _fetch.specs_of(source, LONE_NAME).items()}


def _head(specs: dict[str, ArraySpec], job: Job, max_bytes: int) -> dict[str, Any]:
    """Say what the output is to be, for its journal."""
    return {
        "format": job.format,
        "arrays": [[name, list(spec.shape), logical_name(spec.dtype), spec.dtype.str] for name, spec in specs.items()],
        "compression": job.layout.compression,
        "chunks": None if job.layout.chunks is None else list(job.layout.chunks),
        "verify": job.verify,
        "max_bytes": max_bytes,
    }


def _state_as_begun(source: Source, head: Any) -> None:
    """Rely on nothing that had proved wrong when the output was begun, with other names or shapes."""
    begun = {name: tuple(shape) for name, shape, *_ in head["arrays"]}
    unstated = begun.keys() - _fetch.specs_of(source, LONE_NAME).keys()
    for _, names, leaf in list(_row_leaves(source)):
        shapes = [spec.shape for spec in leaf.specs().values()]
        if unstated or any(begun.get(name) != shape for name, shape in zip(names, shapes, strict=True)):
            leaf.distrust()


def _piece_bytes(source: Source, specs: dict[str, ArraySpec], max_bytes: int, *, alive: int) -> int:
    """Bytes to read at once, so that all that is alive, and of a cast what the piece becomes, keeps to max_bytes."""
    least = max_bytes // alive
    for found, read in _fetch.flat_specs(source):
        stored = specs[found or LONE_NAME].dtype
        if read.dtype.hasobject:
            least = min(least, max_bytes // (alive + 2))  # a sink joins strings, and counts their lengths
        elif stored != read.dtype:
            size = read.dtype.itemsize
            least = min(least, max_bytes * size // (alive * size + stored.itemsize))
    return least
