from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

class Memory:
    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

_Column: TypeAlias = tuple[bytes, bool, int, int, Memory, Memory, Memory, Memory, int, Memory, int, Memory]

class Kernel:
    rows: int
    nbytes: int
    def __init__(
        self,
        sequence: bool,
        select: Mapping[bytes, int] | None,
        lists: Mapping[bytes, int] | None,
        most_bytes: int,
        key0: int,
        key1: int,
    ) -> None: ...
    def decode(
        self, data: Any, starts: NDArray[np.int64], stops: NDArray[np.int64]
    ) -> tuple[int, int, int, int, bytes | None] | None: ...
    def take(self) -> list[_Column]: ...

def fill_strings(found: NDArray[np.object_], data: Any, ends: NDArray[np.int64]) -> None: ...
def is_message(record: Any, sequence: bool) -> bool: ...
