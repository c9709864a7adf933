"""What concerns TensorFlow before it is known to be there. Nothing here, or in a kind, imports it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

_Verb = TypeVar("_Verb", bound=Callable[..., Any])


def tensorflow() -> Any:
    """Give the loaded TensorFlow module. Called only where a TensorFlow object is at hand, so it is loaded."""
    return sys.modules["tensorflow"]


def as_written(verb: _Verb) -> _Verb:
    """Mark a public verb for AutoGraph, which would otherwise translate our code when a tf.function calls it."""
    verb.autograph_info__ = {}  # type: ignore[attr-defined]
    return verb
