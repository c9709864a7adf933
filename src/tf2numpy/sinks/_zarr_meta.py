"""The `zarr.json` of groups and arrays, as the Zarr v3 specification has them. No file may be opened here."""

from __future__ import annotations

import json
from typing import Any

from .. import _codecs
from .._dtypes import storage
from .._types import ArraySpec
from ..layouts.zarr_grid import Grid
from ..layouts.zarr_types import Described

MARKER = "zarr.json"
_LITTLE = {"name": "bytes", "configuration": {"endian": "little"}}


def group_document() -> bytes:
    """Give the metadata of a group."""
    return _text({"attributes": {}, "zarr_format": 3, "node_type": "group"})


def array_document(
    spec: ArraySpec,
    shape: tuple[int, ...],
    described: Described,
    grid: Grid,
    compression: str | None,
    index_location: str,
) -> bytes:
    """Give the metadata of an array."""
    codecs = _codec_chain(spec, described, compression)
    per_file = grid.per_file
    if per_file is not None:
        sharding = {
            "chunk_shape": grid.chunk,
            "codecs": codecs,
            "index_codecs": [_LITTLE, {"name": "crc32c"}],
            "index_location": index_location,
        }
        codecs = [{"name": "sharding_indexed", "configuration": sharding}]
    chunk_shape = [size * count for size, count in zip(grid.chunk, per_file or [1] * len(grid.chunk), strict=True)]
    return _text(
        {
            "shape": shape,
            "data_type": described.data_type,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk_shape}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": described.fill_value,
            "codecs": codecs,
            "attributes": described.attributes,
            "zarr_format": 3,
            "node_type": "array",
            "storage_transformers": [],
        }
    )


def _codec_chain(spec: ArraySpec, described: Described, compression: str | None) -> list[dict[str, Any]]:
    chain: list[dict[str, Any]] = [{"name": "bytes"}]
    if spec.dtype.hasobject:
        chain = [{"name": "vlen-bytes", "configuration": {}}]
    elif described.endian is not None:
        chain = [{"name": "bytes", "configuration": {"endian": described.endian}}]
    if compression is not None:
        itemsize = 1 if spec.dtype.hasobject else storage(spec.dtype).itemsize
        chain.append({"name": compression, "configuration": _codecs.settings(compression, itemsize)})
    return chain


def _text(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=2).encode()
