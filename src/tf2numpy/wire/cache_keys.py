"""The keys of the tensor bundle that `Dataset.cache` keeps elements in. What lies under them may not enter.

Source: tensorflow/core/kernels/data/cache_dataset_ops.cc.
"""

from __future__ import annotations

import re

_KEY = re.compile(rb"( {0,6}\d{1,7})_( *\d{1,9})")


def place_of(key: bytes) -> tuple[int, int] | None:
    """Give the numbers of the element and of its component; None for a key that is not of a cache."""
    found = _KEY.fullmatch(key)
    return (int(found[1]), int(found[2])) if found else None
