"""TensorBoard's event logs: one file, a folder of them (a run), or a folder of runs. Only events may enter.

A log has no index, so opening one goes through it once. Steps, times and single numbers are kept; everything larger is
read from its place when it is asked for.

Source: tensorflow/core/util/{event.proto, events_writer.cc}, tensorflow/core/framework/summary.proto.
"""

from __future__ import annotations

from .._blobs import blob_of
from .._errors import FormatError
from .._protocols import ArraySource, Place, Stored
from .._types import joined
from ..wire import records
from ..wire.events import event
from ._event_log import Log
from ._rows import KIND

_NAMED = ".tfevents."  # event files, in a folder
_VERSION = "brain.Event:"
_MOST_FIRST_BYTES = 1 << 16  # of the event that begins a file


def events(path: Place, head: bytes, *, check: bool = True) -> Stored | None:
    """Open an event log: arrays `tag/step`, `tag/wall_time`, in seconds since 1970, and `tag/value` or others for it.

    check: compare the checksum of every event.
    Raises: ChecksumError and FormatError, naming file and offset, for damaged files; one that ends within an event is
    none: its whole events are given, and the rest is left out.
    """
    left_out: dict[str, str] = {}
    found = _runs(path, left_out) if not head else {"": [path]} if _is_log(path, head) else {}
    if not found:
        return None
    arrays: dict[str, ArraySource] = {}
    for run, files in found.items():
        log = Log(run, [(file.name, blob_of(file)) for file in files])
        for file in range(len(files)):
            log.read(file, check=check)
        arrays.update(log.arrays())
        left_out |= log.left_out()
    return Stored(KIND, arrays, lambda: None, left_out=left_out)


def _is_log(path: Place, head: bytes | None = None) -> bool:
    """Tell whether a file begins as event logs do: with an event that names their version."""
    start = records.HEADER_BYTES
    if head is not None and not records.begins_record(head):
        return False
    blob = blob_of(path)
    begin = bytes(blob.read(0, min(start, blob.size)))
    length = int.from_bytes(begin[:8], "little")
    if not records.begins_record(begin) or length > min(_MOST_FIRST_BYTES, blob.size - start):
        return False
    try:
        return event(blob.read(start, start + length).data).version.startswith(_VERSION)
    except FormatError:
        return False


def _runs(path: Place, left_out: dict[str, str]) -> dict[str, list[Place]]:
    """Find the logs of a folder, and of the folders in it, by name of the run."""
    if not path.is_dir():
        return {}
    folders = {"": path} | {child.name: child for child in _children(path) if child.is_dir()}
    found = {}
    for run, folder in folders.items():
        files = [child for child in _children(folder) if _NAMED in child.name and child.is_file()]
        logs = [file for file in files if _is_log(file)]
        others = [file for file in files if file not in logs]
        left_out |= {joined(run, file.name): "does not begin as an event log does" for file in others}
        if logs:
            found[run] = logs
    return found


def _children(folder: Place) -> list[Place]:
    return sorted(folder.iterdir(), key=lambda child: child.name)
