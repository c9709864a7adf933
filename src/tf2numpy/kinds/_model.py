"""What can be run on a batch: Keras models, signatures of SavedModels, callables. The batches may not enter."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .._errors import UnsupportedKind


def callable_of(model: Any) -> Callable[[Any], Any]:
    """Give a function of one batch.

    Raises: UnsupportedKind for what cannot be called; for a loaded SavedModel, naming its signatures.
    """
    if takes_inputs_alone(model):
        return lambda batch: model(batch, training=False)
    signatures = getattr(model, "signatures", None)
    if signatures and not callable(model):
        raise UnsupportedKind(
            f"a loaded SavedModel has several ways to be called; give one of its signatures: model.signatures[name], "
            f"where name is one of {sorted(signatures)}"
        )
    if not callable(model):
        raise UnsupportedKind(
            f"a {type(model).__module__}.{type(model).__qualname__} cannot be called; give a Keras model, a signature "
            "of a SavedModel, or a function of one batch"
        )
    captured = getattr(model, "structured_input_signature", None)
    if captured is not None and not captured[0]:  # a signature: it takes its inputs by name
        return _by_name(model, list(captured[1]))
    return model  # type: ignore[no-any-return]


def takes_inputs_alone(model: Any) -> bool:
    """Tell a Keras model or layer, whose datasets give targets too."""
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(model, keras.Layer)


def _by_name(signature: Any, names: list[str]) -> Callable[[Any], Any]:
    def call(batch: Any) -> Any:
        return signature(**batch) if isinstance(batch, dict) else signature(**{names[0]: batch})

    return call
