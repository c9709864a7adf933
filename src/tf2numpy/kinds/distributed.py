"""Values of a distribution strategy: mirrored and sharded variables, per-replica and remote values.

A variable becomes one array, filled shard by shard with one host copy. Per-replica values are different values, not
parts of one, so they are put together only in the way the caller names (`replicas=`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _ragged, _sparse
from .._errors import InvalidArgument, UnsupportedKind, at_leaf
from .._lazy import tensorflow
from .._protocols import ArraySource, Group, Resolve, Source
from .._sources import Pieced
from .variable import variable as one_variable

# kind -> how its converted replicas are put one after the other
_CONCATENATORS: dict[str, Callable[[list[Any]], Any]] = {
    "ragged tensor": _ragged.concat,
    "sparse tensor": _sparse.concat,
}


def variable(x: Any, resolve: Resolve) -> ArraySource:
    """Give the one value of a distributed variable: a mirror's, or the aggregate of a sync-on-read variable.

    Raises: UnsupportedKind for a sync-on-read variable without an aggregation, which has a value on each replica.
    """
    tf = tensorflow()
    on_read = x.synchronization is tf.VariableSynchronization.ON_READ
    if on_read and x.aggregation is tf.VariableAggregation.NONE:
        raise UnsupportedKind(
            f"the variable {x.name!r} has a value of its own on each replica, and no aggregation that joins them; "
            "convert its values one by one: to_numpy(x.values)"
        )
    return one_variable(x, resolve)


def sharded(x: Any, resolve: Resolve) -> ArraySource:
    """Put the shards of a ShardedVariable back together along axis 0."""
    return _concatenated([one_variable(shard, resolve) for shard in x.variables], "sharded variable")


def per_replica(x: Any, resolve: Resolve) -> Source:
    """Give one part per replica, in replica order, or join them in the way `replicas=` names.

    Raises: InvalidArgument where the replicas' kinds or shapes do not allow it.
    """
    way, values = resolve.replicas, x.values
    if way is None:
        labels = tuple(f"x.values[{i}]" for i in range(len(values)))
        parts: list[tuple[str, Source]] = []
        for number, value in enumerate(values):
            with at_leaf(labels[number]):
                parts.append((str(number), resolve(value)))
        return Group("per-replica value", parts, tuple, labels=labels)
    if way == "first":
        return resolve(values[0])
    if way == "stack":
        values = [(tensorflow() if tensorflow().is_tensor(value) else np).expand_dims(value, 0) for value in values]
    sources = [resolve(value) for value in values]
    if way == "concat" and sources[0].kind in _CONCATENATORS:
        return Group(
            f"{sources[0].kind} on every replica",
            [(str(i), source) for i, source in enumerate(sources)],
            _CONCATENATORS[sources[0].kind],
        )
    if not all(isinstance(source, ArraySource) for source in sources):
        raise InvalidArgument(
            f"replicas={way!r} cannot join a {sources[0].kind} of each replica; "
            "leave replicas out to get one result per replica, or pass replicas='first'"
        )
    shapes = [source.spec.shape for source in sources if isinstance(source, ArraySource)]
    if len({shape[1:] for shape in shapes}) > 1 or not shapes[0]:
        raise InvalidArgument(
            f"replicas={way!r} cannot join the shapes {', '.join(map(str, shapes))}; leave replicas out to get "
            "one array per replica" + ("" if shapes[0] else ", or pass replicas='stack'")
        )
    return _concatenated([s for s in sources if isinstance(s, ArraySource)], "per-replica value")


def remote(x: Any, resolve: Resolve) -> Source:
    """Wait for a RemoteValue and give what it holds."""
    return resolve(x.get())


def _concatenated(sources: list[ArraySource], kind: str) -> ArraySource:
    if len({source.spec.dtype for source in sources}) > 1:
        raise UnsupportedKind(f"the parts of this {kind} differ in dtype: {[str(s.spec.dtype) for s in sources]}")
    if len(sources) == 1:
        return sources[0]
    rows = [source.spec.shape[0] or 0 for source in sources]
    stops = np.cumsum(rows).tolist()
    inner = tuple(n or 0 for n in sources[0].spec.shape[1:])
    whole = tuple(slice(0, n) for n in inner)
    pieces = [((slice(stop - n, stop), *whole), source) for n, stop, source in zip(rows, stops, sources, strict=True)]
    return Pieced((stops[-1], *inner), pieces, kind=kind)
