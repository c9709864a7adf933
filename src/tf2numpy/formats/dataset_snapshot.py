"""What `Dataset.snapshot` wrote while a dataset was read: a folder with one of runs in it. Other folders may not enter.

Source: tensorflow/core/kernels/data/experimental/snapshot_dataset_op.cc, tensorflow/python/data/ops/snapshot_op.py. The
structure of the elements is not recorded: components are called 0, 1 ... in their order, a lone one "data". By default
an element's place among all goes before its components, and over several shards in turn; it gives the order back.
"""

from __future__ import annotations

from .._errors import FormatError
from .._protocols import Place, Stored
from ..wire.structure import OTHER, Leaf
from ._dataset_files import CURRENT, Described, dataset
from ._snapshot_folder import METADATA, SPEC, read_metadata, run_files

_KIND = "dataset snapshot"
_INT64 = 9
_SHOWN = 5


def dataset_snapshot(path: Place, head: bytes, *, check: bool = True) -> Stored | None:
    """Open the folder that was given to `Dataset.snapshot`, or the one within it of one pipeline.

    Raises: FormatError for an unfinished snapshot, snapshots of several pipelines, missing or damaged files;
    ChecksumError; MissingExtra.
    """
    if head or not path.is_dir() or (path / SPEC).exists():
        return None
    if not (path / METADATA).is_file():
        within = sorted((one for one in path.iterdir() if (one / METADATA).is_file()), key=lambda one: one.name)
        if not within:
            return None
        if len(within) > 1:
            names = ", ".join(repr(one.name) for one in within[:_SHOWN]) + (", ..." if len(within) > _SHOWN else "")
            raise FormatError(
                f"{str(path)!r} has the snapshots of {len(within)} pipelines: {names}; open one of these folders"
            )
        path = within[0]
    metadata = read_metadata(path / METADATA)
    if metadata is None:
        return None
    leaves = [Leaf("", OTHER, enum, None) for enum in metadata.enums]
    numbered = metadata.version == CURRENT and len(leaves) > 1 and leaves[0].enum == _INT64
    described = Described(leaves, metadata.version, metadata.elements, _KIND)
    return dataset(path, run_files(path, metadata), described, check=check, numbered=numbered)
