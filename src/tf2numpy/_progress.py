"""A progress bar, where something takes over a second and someone is looking. What is counted may not enter."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

_DELAY_S = 1.0


class Progress:
    """Counts rows or bytes; shows them with tqdm in a terminal or notebook, after a second.

    show: True shows at once, False never, None after a second, if stderr is a terminal or a notebook runs; a function
    is called each time with what is done and the total.
    """

    def __init__(
        self,
        description: str,
        *,
        unit: str,
        total: int | None,
        show: bool | Callable[[int, int | None], None] | None = None,
    ) -> None:
        self._description, self._unit, self._total = description, unit, total
        self._tell = show if callable(show) else None
        self._show = False if callable(show) else show
        self._begun, self._done = time.monotonic(), 0
        self._bar: Any = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, count: int) -> None:
        """Count on."""
        self._done += count
        if self._tell is not None:
            self._tell(self._done, self._total)
        if self._bar is not None:
            self._bar.update(count)
        elif self._show or (self._show is None and time.monotonic() - self._begun > _DELAY_S):
            self._show = self._show or self._someone_looks()
            if self._show:
                self._bar = self._open()

    def _open(self) -> Any:
        from tqdm.auto import tqdm

        is_bytes = self._unit == "B"
        return tqdm(
            desc=self._description,
            total=self._total,
            initial=self._done,
            unit=self._unit,
            unit_scale=is_bytes,
            unit_divisor=1024 if is_bytes else 1000,
        )

    @staticmethod
    def _someone_looks() -> bool:
        return sys.stderr.isatty() or "ipykernel" in sys.modules
