"""Which keys of a checkpoint without an object graph belong to optimizers. Files and arrays may not enter.

The keys are names of variables, as TensorFlow 1 and estimators wrote them. Nothing in such a file says what a variable
is for; but no variable's name goes on with "/" behind the name of another, except that of an optimizer's slot:
"dense/kernel/Adam_1", or "training/Adagrad/dense/kernel/accumulator", whose scope has the optimizer's others too.
"""

from __future__ import annotations

import re
from collections.abc import Collection

# Slots of tensorflow/python/training/*.py; moving averages are no slots of optimizers, and stay.
_SLOTS = re.compile(
    r"(Adam|Adadelta|Adagrad|AdagradDA|Ftrl|LARS|LAMB|Momentum|NesterovMomentum|RMSProp|YogiOptimizer)(_\d+)?"
)
_MOST_SCOPES = 64  # around a name that are looked at: to look at all takes the square of its length
_POWERS = re.compile(r"(.*/)?beta[12]_power(_\d+)?")


def optimizer_keys(keys: Collection[str]) -> set[str]:
    """Find the keys that are slots or other variables of optimizers."""
    names = set(keys)
    scopes = {scope for key in keys if (scope := _scope(key, names))}
    return {key for key in keys if _is_slot(key, names) or any(begin in scopes for begin in _beginnings(key))}


def _is_slot(key: str, names: set[str]) -> bool:
    owner, _, slot = key.rpartition("/")
    return bool(_POWERS.fullmatch(key)) or (owner in names and bool(_SLOTS.fullmatch(slot)))


def _scope(key: str, names: set[str]) -> str:
    """Give the scope of a slot that lies in one: what comes before the name of the variable it is kept for."""
    owner = key.rpartition("/")[0]
    for begin in _beginnings(owner):
        if owner[len(begin) + 1 :] in names:
            return begin
    return ""


def _beginnings(key: str) -> list[str]:
    """Give the scopes around a key, the widest first."""
    parts = key.split("/", _MOST_SCOPES)
    return ["/".join(parts[:count]) for count in range(1, len(parts))]
