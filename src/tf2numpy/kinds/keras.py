"""Keras 3 variables, layers, models, optimizers and metrics: a dict of weight path -> array."""

from __future__ import annotations

from typing import Any

from .._errors import UnsupportedKind
from .._protocols import Group, Resolve, Source
from .trackable import named_arrays


def variable(x: Any, resolve: Resolve) -> Source:
    """Give the value of a Keras variable, whatever backend holds it."""
    value = x.value
    return resolve(value if type(value).__module__.startswith("tensorflow.") else x.numpy())


def layer(x: Any, resolve: Resolve) -> Group:
    """Give every weight of a model or layer, trainable or not, under its Keras path.

    Raises: UnsupportedKind for one that was never built, whose weights do not exist yet.
    """
    weights = list(x.weights)
    if not weights and not x.built:
        raise UnsupportedKind(
            f"{type(x).__name__} {x.name!r} has no weights yet: it is not built; call it on data once, or build it "
            "with the input shape"
        )
    return named_arrays("Keras weights", [(w.path, w) for w in weights], resolve)


def optimizer(x: Any, resolve: Resolve) -> Group:
    """Give every variable of an optimizer or metric under its Keras path."""
    return named_arrays("Keras variables", [(v.path, v) for v in x.variables], resolve)
