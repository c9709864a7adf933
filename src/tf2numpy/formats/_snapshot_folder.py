"""The folders in which tf.data keeps runs of a snapshot: which of their files count. What is in them may not enter.

Source: tensorflow/core/data/snapshot_utils.cc. Of several runs, the one that the metadata names is live.
"""

from __future__ import annotations

import re

from .._blobs import blob_of
from .._errors import FormatError, StoreError
from .._protocols import Place
from .._remote_errors import CannotList
from ..wire.snapshot import Metadata, metadata
from ._reading import reading

SPEC, METADATA = "dataset_spec.pb", "snapshot.metadata"
_MOST_BYTES = 1 << 20
_RUN = re.compile(r"[0-9A-Za-z]{1,32}")
_TEXT = (b"element_spec", b"compression")  # how the same file of a distributed save begins
_KNOWN_VERSIONS = range(3)


def read_metadata(path: Place) -> Metadata | None:
    """Read the metadata of a snapshot; None if they are text, or none at all.

    Raises: FormatError for a snapshot that was not finished, and for a version that is not known.
    """
    blob = blob_of(path)
    data = bytes(blob.read(0, min(blob.size, _MOST_BYTES)))
    if data.lstrip().startswith(_TEXT):
        return None
    with reading(repr(blob.name)):
        found = metadata(data)
        if not found.finalized:
            raise FormatError("it was not finished: save the dataset again; what is there may be incomplete")
        if found.version not in _KNOWN_VERSIONS:
            raise FormatError(f"it is of version {found.version}, and 0 to {_KNOWN_VERSIONS[-1]} are known")
        if not _RUN.fullmatch(found.run_id):
            raise FormatError(f"it names the run {found.run_id[:100]!r}, which is no name of a run")
    return found


def run_files(path: Place, found: Metadata) -> list[Place]:
    """Give the files of the live run, by shard and number.

    Raises: FormatError for a run that is not there, and for files that are missing between others.
    """
    run = path / found.run_id
    if run not in listed(path) or not run.is_dir():
        raise FormatError(f"{str(path)!r} has no folder {found.run_id!r}, the run that {METADATA} names; copy it there")
    shards = [one for one in listed(run) if one.suffix == ".shard"]
    return [file for shard in [run, *shards] for file in _numbered(shard)]


def listed(folder: Place) -> list[Place]:
    """Give what lies in a folder of a dataset, by name.

    Raises: StoreError for a folder on a server that cannot list.
    """
    try:
        return sorted(folder.iterdir(), key=lambda one: one.name)
    except CannotList:
        raise StoreError(
            f"{str(folder)!r} belongs to a dataset, whose files only a list of them tells, and its server cannot list "
            "folders; copy the whole folder to a disk or a bucket, and open it there"
        ) from None


def _numbered(shard: Place) -> list[Place]:
    files = [one for one in listed(shard) if one.suffix == ".snapshot"]
    for number, file in enumerate(files):
        if file.stem != f"{number:08d}":
            raise FormatError(
                f"{str(shard)!r} has {file.name!r} and no '{number:08d}.snapshot' before it; copy what is missing there"
            )
    return files
