"""Find what a live value is, without importing anything: value -> Source. No conversion may enter this file."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from . import _registry
from ._errors import UnsupportedKind
from ._protocols import Resolve, Source
from ._sources import Plain, nothing

_Target = Callable[[Any, Resolve], Source]
_PLAIN = (np.ndarray, np.generic, numbers.Number, str, bytes)

# type -> the function that reads it. Only types that were recognised: those never change their kind.
_known: dict[type, _Target] = {}


class Resolver:
    """Turns a value into a source, and is handed to each kind for its parts; see `_protocols.Resolve`."""

    def __init__(self, replicas: str | None = None) -> None:
        self.replicas = replicas

    def __call__(self, value: Any) -> Source:
        """Give the source of a value.

        Raises: UnsupportedKind for what has no NumPy form; what the kind itself raises.
        """
        cls = value.__class__  # of a proxy, the class of what it stands for
        target = _known.get(cls)
        if target is None:
            target = _target(cls)
            if target is None:
                return self._untabled(value)
            _known[cls] = target
        return target(value, self)

    def _untabled(self, value: Any) -> Source:
        if value is None:
            return nothing()
        if isinstance(value, _PLAIN):
            return Plain(value)
        from .kinds import nested

        for take_apart in (nested.pytree, nested.fields, nested.container):
            group = take_apart(value, self)
            if group is not None:
                return group
        raise UnsupportedKind(
            f"a {type(value).__module__}.{type(value).__qualname__} has no NumPy form; give a TensorFlow value "
            "(tensor, variable, dataset, model ...), an array or number, or a structure of these"
        )


def _target(cls: type) -> _Target | None:
    for target in _registry.kind_targets(cls):
        return _registry.load(target, "kinds")  # type: ignore[no-any-return]
    return None
