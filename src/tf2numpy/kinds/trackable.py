"""tf.Module, tf.train.Checkpoint, loaded SavedModels: a dict of path -> array, of their variables and lookup tables.

The paths are those a checkpoint would use: attribute names and list positions joined by "/", the shortest way first.
A table is two arrays, "keys" and "values" under its path, in TensorFlow's order: values[i] belongs to keys[i].
"""

from __future__ import annotations

from collections import deque
from typing import Any

from .. import _registry
from .._errors import UnsupportedKind, at_leaf
from .._protocols import ArraySource, Group, Resolve, Source
from .table import table_parts

_VARIABLES = ("variable:variable", "distributed:variable", "distributed:sharded", "keras:variable")


def trackable(x: Any, resolve: Resolve) -> Group:
    """Give every variable and table reachable from a trackable object, each once, under its shortest path.

    Raises: UnsupportedKind if none is reachable, or for a table that cannot be exported.
    """
    found: list[tuple[str, Any]] = []
    seen, queue = {id(x)}, deque([("", x)])
    while queue:
        path, node = queue.popleft()
        for name, child in node._trackable_children().items():
            if id(child) in seen:
                continue
            seen.add(id(child))
            child_path = f"{path}/{name}" if path else str(name)
            if next(_registry.kind_targets(child.__class__), None) in _VARIABLES:
                found.append((child_path, child))
                continue
            with at_leaf(f"x[{child_path!r}]"):
                entries = table_parts(child, resolve)
            if entries is not None:
                found += [(f"{child_path}/{part}", source) for part, source in entries]
            elif hasattr(child, "_trackable_children"):
                queue.append((child_path, child))
    if not found:
        raise UnsupportedKind(
            f"{type(x).__name__} holds no variables; to convert its result, call it and give to_numpy the output"
        )
    return named_arrays("module variables", found, resolve)


def named_arrays(kind: str, named: list[tuple[str, Any]], resolve: Resolve) -> Group:
    """Make a dict of path -> array; a path met again gets "_1", "_2" and so on, so that nothing is lost.

    named: paths, and what `resolve` takes or its source.
    """
    parts: dict[str, Source] = {}
    for path, value in named:
        name, count = path, 0
        while name in parts:
            count += 1
            name = f"{path}_{count}"
        with at_leaf(f"x[{name!r}]"):
            parts[name] = value if isinstance(value, ArraySource) else resolve(value)
    names = tuple(parts)
    return Group(
        kind,
        list(parts.items()),
        lambda values: dict(zip(names, values, strict=True)),
        labels=tuple(f"x[{n!r}]" for n in names),
    )
