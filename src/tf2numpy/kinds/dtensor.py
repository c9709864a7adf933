"""DTensors: one array filled from the shards of its layout, each copied to the host once."""

from __future__ import annotations

from typing import Any

from .._lazy import tensorflow
from .._protocols import ArraySource, Resolve
from .._sources import Pieced
from .._types import Index


def dtensor(x: Any, resolve: Resolve) -> ArraySource:
    """Put the shards of a DTensor together; shards that are replicas of each other are read once."""
    api = tensorflow().experimental.dtensor
    layout, parts = api.fetch_layout(x), api.unpack(x)
    first: dict[tuple[int, ...], Any] = {}
    for coordinates, part in zip(layout.offset_to_shard(), parts, strict=True):
        first.setdefault(tuple(coordinates), part)
    pieces: list[tuple[Index, Any]] = []
    for coordinates, part in first.items():
        local = tuple(part.shape)
        place = tuple(slice(c * n, (c + 1) * n) for c, n in zip(coordinates, local, strict=True))
        pieces.append((place, resolve(part)))
    if len(pieces) > 1:
        return Pieced(tuple(x.shape), pieces, kind="DTensor")
    only: ArraySource = pieces[0][1]
    only.kind = "DTensor"
    return only
