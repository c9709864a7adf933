"""What `Dataset.save` wrote: a folder with the structure of the elements, and one run of files. Other folders may not
enter.

Source: tensorflow/core/kernels/data/experimental/save_dataset_op.cc. Elements come in the order in which they were
saved; with a function that chose their shards that order is lost, and they come shard by shard.
"""

from __future__ import annotations

from .._blobs import blob_of
from .._errors import FormatError
from .._protocols import Place, Stored
from ..wire.structure import Leaf, leaves
from ._dataset_files import Described, dataset
from ._reading import reading
from ._snapshot_folder import METADATA, SPEC, read_metadata, run_files

_KIND = "saved dataset"
_MOST_SPEC_BYTES = 1 << 24


def dataset_save(path: Place, head: bytes, *, check: bool = True) -> Stored | None:
    """Open a folder that `Dataset.save` wrote: its components by their names in the elements.

    Raises: FormatError for an unfinished save, missing or damaged files; ChecksumError; MissingExtra.
    """
    if head or not path.is_dir() or not (path / SPEC).is_file() or not (path / METADATA).is_file():
        return None
    metadata = read_metadata(path / METADATA)
    if metadata is None:
        return None
    components = read_structure(path)
    if metadata.enums and len(metadata.enums) != len(components):
        raise FormatError(
            f"{str(path / SPEC)!r} tells of {len(components)} components, and {METADATA} of {len(metadata.enums)}; "
            "they are of different datasets"
        )
    components = [_with_enum(leaf, enum) for leaf, enum in zip(components, metadata.enums, strict=False)] or components
    described = Described(components, metadata.version, metadata.elements, _KIND)
    return dataset(path, run_files(path, metadata), described, check=check)


def read_structure(path: Place) -> list[Leaf]:
    """Read the structure of the elements of a dataset in a folder.

    Raises: FormatError.
    """
    blob = blob_of(path / SPEC)
    with reading(repr(blob.name)):
        if blob.size > _MOST_SPEC_BYTES:
            raise FormatError(f"it has {blob.size} bytes; {_MOST_SPEC_BYTES} are the most that is read")
        return leaves(blob.read(0, blob.size).data)


def _with_enum(leaf: Leaf, enum: int) -> Leaf:
    """Take the dtype from what is recorded of the files, where the structure does not know it, or knows another."""
    return leaf if leaf.enum and leaf.kind != "dense" else leaf._replace(enum=enum)
