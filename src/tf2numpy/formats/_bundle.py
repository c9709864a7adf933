"""A tensor bundle: an index and data files with one prefix, which checkpoints, SavedModels and caches keep tensors in.

Its keys are those of the file. Names for people, and where prefixes come from, may not enter.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from .._blobs import NOTHING, Blob, Trail, blob_of
from .._dtypes import from_enum
from .._errors import FormatError
from .._protocols import ArraySource, Place
from .._remote_errors import CannotList
from ..wire import bundle, crc32c, slices
from ..wire.bundle import Entry, Header
from ..wire.bundle_strings import variants
from ..wire.protobuf import Message
from ..wire.table import Table
from ._bundle_strings import BundleStrings
from ._checked import Checked, Stretch
from ._parts import joined, why_not
from ._reading import reading

_VARIANT = 21
_MOST_LOOKED_AT_BYTES = 1 << 20
_SHOWN = 5
INDEX_SUFFIX = ".index"


def index_of(prefix: Place) -> Place:
    """Give the index of a bundle, which alone knows how many data files there are."""
    return prefix.parent / f"{prefix.name}{INDEX_SUFFIX}"


class Bundle:
    """The tensors of a bundle, by key; nothing of them is read before it is asked for.

    arrays: those that are numbers or strings. left_out: the others, each with the reason.
    """

    def __init__(
        self, prefix: Place, header: Header, entries: Mapping[bytes, Entry], *, check: bool, kind: str
    ) -> None:
        """Raises: FormatError for data files that are missing or too short, and for entries that do not add up."""
        self._prefix, self._header, self._entries = prefix, header, entries
        self._check, self._kind, self._shown = check, kind, repr(str(prefix))
        self._trail = Trail()
        ends: dict[int, int] = {}
        for entry in entries.values():
            if entry.size and not entry.slices:
                ends[entry.shard] = max(ends.get(entry.shard, 0), entry.offset + entry.size)
        self._shards = open_shards(prefix, header, ends)
        self.arrays: dict[str, ArraySource] = {}
        self.left_out: dict[str, str] = {}
        parts = {slices.key(name, part) for name, entry in entries.items() for part in entry.slices}
        for key, entry in entries.items():
            if key in parts:
                continue
            name = str(key, "utf-8", "surrogateescape")
            with reading("the tensor ", repr(name), " of ", self._shown):
                reason = self._why_not(key, entry)
                if reason:
                    self.left_out[name] = reason
                else:
                    self.arrays[name] = self._source(key, name, entry)

    def text(self, key: str) -> bytes | None:
        """Read the string that a key holds; None if there is no such key."""
        found = self.arrays.get(key)
        if found is None or found.spec.shape != () or not found.spec.dtype.hasobject:
            return None
        return bytes(found.read(())[()])

    def _why_not(self, key: bytes, entry: Entry) -> str:
        """Say why a tensor can be no array; nothing if it can."""
        if key.startswith(b"\0"):
            return "a part of a tensor that is not there"
        if entry.enum % 100 == _VARIANT:
            return self._of_variants(entry)
        return why_not(entry.enum, entry.shape)

    def _of_variants(self, entry: Entry) -> str:
        what = f"{math.prod(entry.shape)} variants in {entry.size} bytes, which only TensorFlow can use"
        if entry.slices or entry.size > _MOST_LOOKED_AT_BYTES:
            return what
        read = self._stretch(entry, "").read
        try:
            types = {Message(one).text(1) for one in variants(read, entry.size, math.prod(entry.shape), None)}
        except FormatError:
            return f"{what}; they are damaged"
        return f"{what}: {', '.join(sorted(types))}" if types else what

    def _source(self, key: bytes, name: str, entry: Entry) -> ArraySource:
        """Make a source of a tensor, in parts or not."""
        if not entry.slices:
            return self._whole(name, entry)
        parts: list[tuple[slices.Bounds, ArraySource]] = []
        for part in entry.slices:
            bounds, found = slices.bounds(part, entry.shape), self._entries.get(slices.key(key, part))
            shape = tuple(stop - start for start, stop in bounds)
            if found is None or found.shape != shape or found.enum != entry.enum or found.slices:
                what = f"dtype {found.enum} and shape {found.shape}" if found else "nothing"
                raise FormatError(
                    f"its part {slices.shown(bounds)} has dtype {entry.enum} and shape {shape}, and under that part's "
                    f"key there is {what}"
                )
            parts.append((bounds, self._whole(name, found)))
        return joined(entry.enum, entry.shape, parts, kind=self._kind, device=f"files {self._shown}")

    def _whole(self, name: str, entry: Entry) -> ArraySource:
        dtype = from_enum(entry.enum)
        assert dtype is not None
        stretch = self._stretch(entry, name)
        if dtype.hasobject:
            if math.prod(entry.shape) > entry.size:
                raise FormatError(f"it has {entry.size} bytes, which cannot be strings of shape {entry.shape}")
            return BundleStrings(stretch, entry.shape, self._trail, kind=self._kind)
        if (needed := math.prod(entry.shape) * dtype.itemsize) != entry.size:
            raise FormatError(
                f"its shape {entry.shape} of {dtype.name} takes {needed} bytes, and {entry.size} are recorded"
            )
        order = self._header.big_endian
        return Checked(stretch, entry.shape, dtype, self._trail, kind=self._kind, big_endian=order)

    def _stretch(self, entry: Entry, name: str) -> Stretch:
        """Give the bytes of a tensor; none have no checksum, and need no file."""
        if not entry.size:
            return Stretch(NOTHING, 0, 0, name, None)
        crc = crc32c.unmask(entry.crc) if self._check else None
        return Stretch(self._shards[entry.shard], entry.offset, entry.offset + entry.size, name, crc)


def open_shards(prefix: Place, header: Header, ends: Mapping[int, int]) -> dict[int, Blob]:
    """Open the data files that have tensors, by their numbers. ends: where the last tensor of each ends.

    Raises: FormatError saying which is missing, or too short, and what is there.
    """
    found = {}
    for shard, end in sorted(ends.items()):
        path = prefix.parent / f"{prefix.name}.data-{shard:05d}-of-{header.shards:05d}"
        if shard >= header.shards:
            raise FormatError(
                f"{str(prefix)!r} has tensors in data file {shard}, and its index tells of {header.shards}, counted "
                "from 0; the index is damaged"
            )
        if not path.is_file():
            raise FormatError(
                f"{str(prefix)!r} needs {path.name!r}, which is not there; there is "
                f"{', '.join(files_of(prefix)) or 'no data file'}; copy it there"
            )
        found[shard] = blob_of(path)
        if found[shard].size < end:
            raise FormatError(
                f"{str(path)!r} has {found[shard].size} bytes, and the index tells of tensors up to {end}: it was cut "
                "short, or is of another checkpoint; copy it anew"
            )
    return found


def open_bundle(prefix: Place, *, check: bool = True, kind: str = "checkpoint") -> Bundle:
    """Open the bundle of a prefix. check: compare checksums. kind: what it is, for messages.

    Raises: FormatError, ChecksumError, FileNotFoundError for what is damaged or not there.
    """
    index = index_of(prefix)
    blob = blob_of(index)
    with reading(repr(str(index))):
        header, entries = _decoded(iter(Table(blob.read, blob.size, check=check)))
    return Bundle(prefix, header, entries, check=check, kind=kind)


def _decoded(rows: Iterator[tuple[bytes, Any]]) -> tuple[Header, dict[bytes, Entry]]:
    key, value = next(rows, (b"", None))
    if key or value is None:
        raise FormatError("its first key is not the empty one, whose value is a bundle's header")
    header = bundle.header(value)
    entries = {}
    for key, value in rows:
        try:
            entries[key] = bundle.entry(value)
        except FormatError as error:
            raise FormatError(f"the entry {key!r} cannot be read: {error}") from error
    return header, entries


def files_of(prefix: Place) -> list[str]:
    """Name the data files of a prefix that are there, or some of them if they are many.

    On a server that cannot list, a lone one is known by its name.
    """
    if not prefix.parent.is_dir():
        return []
    try:
        names = sorted(one.name for one in prefix.parent.iterdir() if one.name.startswith(f"{prefix.name}.data-"))
    except CannotList:
        lone = prefix.parent / f"{prefix.name}.data-00000-of-00001"
        return [lone.name] if lone.is_file() else []
    return names if len(names) <= _SHOWN else [*names[:_SHOWN], f"{len(names) - _SHOWN} more"]
