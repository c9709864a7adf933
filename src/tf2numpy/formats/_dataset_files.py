"""The files of a saved dataset as arrays, one or a few for each component. Which files there are may not enter.

Every file is looked at when the dataset is opened: counted, and where shapes are not recorded, or rows differ in size,
read once. A compressed file is left alone if it is the only one, and everything of it is recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .._blobs import blob_of
from .._errors import FormatError
from .._protocols import ArraySource, Place, Stored
from ..wire import records, snapshot
from ..wire.records import Block
from ..wire.structure import DENSE, RAGGED, SPARSE, Leaf
from ..wire.tensor_fields import VARIANT
from ..wire.tensor_proto import head
from ._dataset_columns import LONE_NAME, Columns, named, unique
from ._elements import Elements, survey
from ._reading import reading
from ._record_files import Indexed, RecordFile, Streamed, Streams, Take
from ._surveys import Integers, Shapes, Variants

CURRENT = 2


class Described(NamedTuple):
    """What is known of a dataset beside its files.

    leaves: its components. version: of the files. elements: their number, negative where it is not known. kind: for
    messages.
    """

    leaves: Sequence[Leaf]
    version: int
    elements: int
    kind: str


class _Undecided:
    """A survey of elements of which not even the dtype is known before the first."""

    def __init__(self) -> None:
        self.chosen: Shapes | Variants = Shapes()
        self._begun = False

    def __call__(self, block: Block) -> None:
        """Take in some records."""
        if len(block) and not self._begun:
            self._begun = True
            if head(block.data[block.starts[0] : block.stops[0]]).enum == VARIANT:
                self.chosen = Variants()
        self.chosen(block)


def dataset(
    path: Place, files: Sequence[Place], described: Described, *, check: bool, numbered: bool = False
) -> Stored:
    """Open the files of a dataset, in this order.

    numbered: the first component may be the place of each element among all; if its values are such, it orders the
    others and is no array. Components without names get their places as names.
    Raises: FormatError, ChecksumError for damaged files, and for fewer elements than recorded; MissingExtra.
    """
    streams = Streams()
    if not described.leaves:
        return arrays_of(path, [], described, streams)
    opened = [_opened(file, described, len(files) == 1, streams, check) for file in files]
    return arrays_of(path, opened, described, streams, numbered=numbered)


def arrays_of(
    path: Place, opened: Sequence[RecordFile], described: Described, streams: Streams, *, numbered: bool = False
) -> Stored:
    """Make arrays of opened files, as `dataset` does."""
    streams.most = max(streams.most, len(opened))
    surveys = {component: _survey_of(leaf) for component, leaf in enumerate(described.leaves)}
    takes: dict[int, Take] = {component: found for component, found in surveys.items() if found is not None}
    places = Integers()
    if numbered:
        takes[0] = _both(takes[0], places)
    survey(opened, takes)
    elements = Elements(opened, streams)
    if 0 <= described.elements != len(elements):
        raise FormatError(
            f"{str(path)!r} is a {described.kind} of {described.elements} elements, and its {len(opened)} files have "
            f"{len(elements)}; files are missing, or of another run"
        )
    numbered = numbered and places.are_places(elements.ends)
    if numbered:
        elements.order = np.argsort(places.all())
    columns = Columns(elements, described.kind, f"file {path}")
    arrays: dict[str, ArraySource] = {}
    left_out: dict[str, str] = {}
    leaves = list(enumerate(described.leaves))[1 if numbered else 0 :]
    for (component, _), leaf in zip(leaves, unique(_named([leaf for _, leaf in leaves])), strict=True):
        with reading(f"the component {leaf.name!r} of {str(path)!r}"):
            found = _arrays(columns, component, leaf, surveys[component])
        if isinstance(found, str):
            left_out[leaf.name or LONE_NAME] = found
        else:
            arrays |= named(leaf, found)
    return Stored(described.kind, arrays, streams.close, left_out=left_out)


def _named(leaves: list[Leaf]) -> list[Leaf]:
    """Call components by their places where the structure of the elements is not recorded."""
    if len(leaves) == 1 or any(leaf.name for leaf in leaves):
        return leaves
    return [leaf._replace(name=str(i)) for i, leaf in enumerate(leaves)]


def _both(first: Take, second: Take) -> Take:
    def take(block: Block) -> None:
        first(block)
        second(block)

    return take


def _arrays(
    columns: Columns, component: int, leaf: Leaf, found: Shapes | Variants | _Undecided | None
) -> dict[str, ArraySource] | str:
    """Make the arrays of a component; of one that can be none, say why."""
    if found is None:
        assert leaf.shape is not None
        return columns.of_shape(component, leaf, leaf.shape)
    if isinstance(found, _Undecided):
        found = found.chosen
    if isinstance(found, Shapes):
        return columns.of_shapes(component, leaf, found)
    return columns.of_variants(component, leaf, found)


def _survey_of(leaf: Leaf) -> Shapes | Variants | _Undecided | None:
    """Choose what has to be known of a component before it can be an array; nothing where all of it is recorded."""
    if leaf.kind in (RAGGED, SPARSE) or leaf.enum == VARIANT:
        return Variants()
    if leaf.enum == 0:
        return _Undecided()
    return None if leaf.kind == DENSE and leaf.shape is not None and -1 not in leaf.shape else Shapes()


def _opened(file: Place, described: Described, lone: bool, streams: Streams, check: bool) -> RecordFile:
    blob, components = blob_of(file), len(described.leaves)
    count = described.elements if lone and described.elements >= 0 else None
    if described.version < CURRENT:
        enums = [leaf.enum for leaf in described.leaves]
        old = lambda: snapshot.old_blocks(blob.read, blob.size, described.version, enums)  # noqa: E731
        return Streamed(blob.name, blob.size, old, components, streams, check=False, count=count)
    with reading(repr(blob.name)):
        compression = records.compression_of(blob.read, blob.size)
        if compression is None:
            raise FormatError("its first bytes begin no record, neither as they are nor unpacked (gzip, zlib, Snappy)")
    if compression == "none":
        return Indexed(blob, components, check=check)
    new = lambda: records.blocks(blob.read, blob.size, check=check)  # noqa: E731
    return Streamed(blob.name, blob.size, new, components, streams, check=check, count=count)
