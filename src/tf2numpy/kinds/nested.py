"""Structures of values: pytrees (dict, list, tuple, namedtuple ...), dataclasses, attrs classes, other mappings.

Each becomes a Group whose build gives the same structure back. What a leaf is may not enter this file.
"""

from __future__ import annotations

import copy
import dataclasses
from collections import UserList
from collections.abc import Callable, Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any

import optree

from .._errors import UnsupportedKind, at_leaf
from .._protocols import Group, Resolve, Source

# The structures that are being taken apart, outermost first: one met again contains itself.
_open: ContextVar[tuple[int, ...]] = ContextVar("_open", default=())


def pytree(x: Any, resolve: Resolve) -> Group | None:
    """Take a pytree apart; None if x is no pytree node but a leaf.

    Raises: UnsupportedKind for a structure that contains itself.
    """
    try:
        accessors, leaves, treespec = optree.tree_flatten_with_accessor(x, none_is_leaf=True)
    except RecursionError as error:
        raise UnsupportedKind("this structure contains itself, or is nested over 1000 levels deep") from error
    if treespec.is_leaf():
        return None
    return _group(
        x,
        [tuple(entry_name(entry) for entry in accessor) for accessor in accessors],
        [accessor.codify("x") for accessor in accessors],
        leaves,
        treespec.unflatten,
        resolve,
    )


def fields(x: Any, resolve: Resolve) -> Group | None:
    """Take a dataclass or attrs instance apart by field; None if x is neither."""
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        names = [field.name for field in dataclasses.fields(x)]
    elif hasattr(type(x), "__attrs_attrs__"):
        names = [attribute.name for attribute in type(x).__attrs_attrs__]
    else:
        return None

    def build(values: list[Any]) -> Any:
        result = copy.copy(x)
        for name, value in zip(names, values, strict=True):
            object.__setattr__(result, name, value)  # frozen classes too
            if isinstance(result, MutableMapping) and name in result:  # a field that is a key as well
                result[name] = value
        return result

    values = [getattr(x, name) for name in names]
    return _group(x, [(name,) for name in names], [f"x.{name}" for name in names], values, build, resolve)


def container(x: Any, resolve: Resolve) -> Group | None:
    """Take any other mapping or sequence apart, to a plain dict, list or tuple; None if x is neither."""
    if isinstance(x, Mapping):
        keys = list(x)
        return _group(
            x,
            [(str(key),) for key in keys],
            [f"x[{key!r}]" for key in keys],
            [x[key] for key in keys],
            lambda values: dict(zip(keys, values, strict=True)),
            resolve,
        )
    if isinstance(x, list | tuple | UserList):
        build: Callable[[list[Any]], Any] = tuple if isinstance(x, tuple) else list
        numbers = range(len(x))
        return _group(x, [(str(i),) for i in numbers], [f"x[{i}]" for i in numbers], list(x), build, resolve)
    return None


def _group(
    x: Any,
    paths: list[tuple[str, ...]],
    labels: list[str],
    leaves: list[Any],
    build: Callable[[list[Any]], Any],
    resolve: Resolve,
) -> Group:
    parts: list[tuple[str, Source]] = []
    around = _open.get()
    if id(x) in around:
        raise UnsupportedKind("this structure contains itself")
    token = _open.set((*around, id(x)))
    try:
        for path, label, leaf in zip(paths, labels, leaves, strict=True):
            with at_leaf(label):
                parts.append(("/".join(path), resolve(leaf)))
    finally:
        _open.reset(token)
    return Group("structure", parts, build, labels=tuple(labels))


def entry_name(entry: Any) -> str:
    """Write a step of a pytree path as a part of a name: a field, key or index."""
    return str(getattr(entry, "field", entry.entry))
