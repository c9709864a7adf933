"""Values that are recognised in order to be refused with a remedy. Only messages may enter this file."""

from __future__ import annotations

from typing import Any, NoReturn

from .._errors import UnsupportedKind
from .._protocols import Resolve


def iterator(x: Any, resolve: Resolve) -> NoReturn:
    """Refuse a dataset iterator: reading it would use it up, and its length cannot be known."""
    raise UnsupportedKind(
        f"{type(x).__name__} is an iterator, which reading would use up; give the dataset it iterates over"
    )


def distributed_dataset(x: Any, resolve: Resolve) -> NoReturn:
    """Refuse a distributed dataset: its elements are per-replica values with no single order."""
    raise UnsupportedKind(
        f"{type(x).__name__} deals its elements out to replicas, so they have no single order; "
        "give the dataset that was distributed"
    )
