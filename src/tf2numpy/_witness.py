"""The contract of witnesses: how a finished output is shown by its format's own library. No format may enter."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ._types import Index


@dataclass(frozen=True, slots=True)
class Shown:
    """One array of a finished output, as its format's own library shows it.

    dtype: the logical one. read: gives a region, by a slice for every axis, in that dtype; those of one array are
    asked for in C order, none of them empty.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[Index], NDArray[Any]]


# Shows the array of a name.
Show: TypeAlias = Callable[[str], Shown]


class Witness(Protocol):
    """What reads the outputs of a row of the sink table by their format's own library."""

    def __call__(self, path: Path) -> AbstractContextManager[Show]:
        """Open a finished output; it is closed when the context is left.

        Raises: whatever the library raises of a damaged one; so do those that are given.
        """
