"""The metadata of a Zarr array, out of a `zarr.json` that anyone may have written. No chunk may be read here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..layouts.zarr_grid import Grid
from ..layouts.zarr_types import Named, dtype_of, fill_of

_COMPRESSIONS = ("zstd", "gzip", "blosc", "crc32c")
_ENDIANS = {"little": "little", "big": "big"}
_MOST_AXES = 32  # what any NumPy takes
_MOST_BYTES = (1 << 63) - 1
_MOST_IN_SHARD = 1 << 24
_KNOWN = (
    *("zarr_format", "node_type", "shape", "data_type", "chunk_grid", "chunk_key_encoding", "fill_value", "codecs"),
    *("attributes", "dimension_names", "storage_transformers"),
)


@dataclass(frozen=True, slots=True)
class Sharding:
    """How shards are indexed: where the index is, whether a checksum follows it."""

    at_start: bool
    checksum: bool


@dataclass(frozen=True, slots=True)
class Metadata:
    """What an array is.

    compressions: in the order in which they were applied. separator and prefix: how chunks are named.
    """

    shape: tuple[int, ...]
    named: Named
    fill: Any
    grid: Grid
    compressions: tuple[str, ...]
    sharding: Sharding | None
    prefix: str
    separator: str


def parse(document: dict[str, Any]) -> Metadata:
    """Read the metadata of an array.

    Raises: ValueError saying what is damaged, or cannot be read.
    """
    for key, value in document.items():
        if key not in _KNOWN and not (isinstance(value, dict) and value.get("must_understand") is False):
            raise ValueError(f"its metadata has {key!r}, which is not known here")
    if document.get("storage_transformers"):
        raise ValueError("it has storage transformers, and none is known here")
    shape = _sizes(document, "shape", least=0)
    name, settings = _named(document.get("chunk_grid"), "chunk grid")
    if name != "regular":
        raise ValueError(f"its chunk grid {name!r} is none that is known here; 'regular' is")
    outer = _sizes(settings, "chunk_shape", least=1)
    grid, chain, sharding = _sharded(outer, document.get("codecs"))
    if len(outer) != len(shape):
        raise ValueError(f"its chunks have {len(outer)} axes, and its shape {len(shape)}")
    named, compressions = _chain(chain, document)
    for sizes in (shape, outer):
        if math.prod(n or 1 for n in sizes) * named.logical.itemsize > _MOST_BYTES:
            raise ValueError(f"its size {sizes} is more than any file can have")
    if "fill_value" not in document:
        raise ValueError("its metadata has no 'fill_value'")
    prefix, separator = _key_encoding(document.get("chunk_key_encoding"))
    fill = fill_of(document["fill_value"], named)
    return Metadata(shape, named, fill, grid, compressions, sharding, prefix, separator)


def _chain(chain: list[tuple[str, dict[str, Any]]], document: dict[str, Any]) -> tuple[Named, tuple[str, ...]]:
    (first, settings), rest = chain[0], chain[1:]
    endian = _ENDIANS.get(str(settings.get("endian"))) if first == "bytes" else None
    named = dtype_of(document.get("data_type"), endian, document.get("attributes"))
    wanted = named.text or "bytes"
    if first != wanted:
        raise ValueError(f"its codec {first!r} is not known here; for its data type {wanted!r} is")
    for name, _ in rest:
        if name not in _COMPRESSIONS:
            raise ValueError(f"its codec {name!r} is not known here; known are {', '.join(map(repr, _COMPRESSIONS))}")
    return named, tuple(name for name, _ in rest)


def _sharded(outer: tuple[int, ...], codecs: Any) -> tuple[Grid, list[tuple[str, dict[str, Any]]], Sharding | None]:
    chain = _codecs(codecs)
    if chain[0][0] != "sharding_indexed":
        return Grid(outer), chain, None
    if len(chain) > 1:
        raise ValueError(f"its codec {chain[1][0]!r} encodes whole shards, which cannot be read here")
    settings = chain[0][1]
    inner = _sizes(settings, "chunk_shape", least=1)
    if len(inner) != len(outer) or any(n % size for n, size in zip(outer, inner, strict=True)):
        raise ValueError(f"its shards {outer} are no whole number of its chunks {inner}")
    per_file = tuple(n // size for n, size in zip(outer, inner, strict=True))
    if math.prod(per_file) > _MOST_IN_SHARD:
        raise ValueError(f"its shards hold {math.prod(per_file)} chunks, more than {_MOST_IN_SHARD}")
    index = _codecs(settings.get("index_codecs"))
    names = [name for name, _ in index]
    if names not in (["bytes"], ["bytes", "crc32c"]) or index[0][1].get("endian") != "little":
        raise ValueError(f"the index of its shards has the codecs {names}; ['bytes', 'crc32c'] are known here")
    location = settings.get("index_location", "end")
    if location not in ("start", "end"):
        raise ValueError(f"the index of its shards is at {location!r}; 'start' and 'end' are known here")
    return Grid(inner, per_file), _codecs(settings.get("codecs")), Sharding(location == "start", len(names) > 1)


def _codecs(codecs: Any) -> list[tuple[str, dict[str, Any]]]:
    if not isinstance(codecs, list) or not codecs:
        raise ValueError(f"its codecs are {codecs!r} instead of a list of some")
    return [_named(codec, "codec") for codec in codecs]


def _key_encoding(encoding: Any) -> tuple[str, str]:
    name, settings = _named(encoding, "chunk key encoding")
    separators = {"default": "/", "v2": "."}
    if name not in separators:
        raise ValueError(f"its chunk key encoding {name!r} is not known here; 'default' and 'v2' are")
    separator = settings.get("separator", separators[name])
    if separator not in ("/", "."):
        raise ValueError(f"its chunk keys are separated by {separator!r} instead of '/' or '.'")
    return "c" if name == "default" else "", separator


def _named(value: Any, what: str) -> tuple[str, dict[str, Any]]:
    if isinstance(value, str):
        return value, {}
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        settings = value.get("configuration", {})
        if isinstance(settings, dict):
            return value["name"], settings
    raise ValueError(f"its {what} is {value!r} instead of a name with a configuration")


def _sizes(settings: dict[str, Any], key: str, *, least: int) -> tuple[int, ...]:
    found = settings.get(key)
    if (
        not isinstance(found, list)
        or len(found) > _MOST_AXES
        or not all(type(n) is int and least <= n <= _MOST_BYTES for n in found)
    ):
        raise ValueError(f"its {key} is {found!r} instead of at most {_MOST_AXES} sizes of at least {least}")
    return tuple(found)
