"""What the golden SavedModels and the frozen graph hold, as it was stored beside them when they were written."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np

GOLDEN = Path(__file__).parents[1] / "golden" / "saved_model"
MODELS = ("module", "keras_export", "without_variables")


def expected(name):
    """Give the arrays by name; see the golden files' make.py for how they are stored."""
    found = {}
    with np.load(GOLDEN / f"{name}.npz") as stored:
        for key in stored.files:
            plain, _, what = key.partition("|")
            if what == "bfloat16":
                found[plain] = stored[key].view(ml_dtypes.bfloat16)
            elif what != "lengths":
                found[plain] = stored[key]
            if f"{key}|lengths" in stored.files:
                strings = np.empty(stored[key].shape, object)
                lengths = stored[f"{key}|lengths"]
                for place in np.ndindex(strings.shape):
                    strings[place] = bytes(stored[key][place]).ljust(lengths[place], b"\0")
                found[plain] = strings
    return found
