"""What is in no array of a file, known only while the file is read. What the reasons are may not enter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping


class LeftOut(Mapping[str, str]):
    """Reasons by name. tell: gives all that are known so far."""

    def __init__(self, tell: Callable[[], Mapping[str, str]]) -> None:
        self._tell = tell

    def __getitem__(self, name: str) -> str:
        return self._tell()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tell())

    def __len__(self) -> int:
        return len(self._tell())

    def __repr__(self) -> str:
        return repr(dict(self._tell()))
