"""The life of an output: it grows in a workspace, and is published, left or removed. No file format may enter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol, TypeVar

from .._errors import InvalidArgument
from .._types import PLAIN, Layout
from .._workspace import Workspace


class _Closable(Protocol):
    def close(self) -> None: ...


_T = TypeVar("_T", bound=_Closable)


class FileSink(ABC):
    """The methods of a `Sink` that are the same for every format; a format adds the others."""

    def __init__(self, workspace: Workspace, layout: Layout = PLAIN) -> None:
        self._workspace, self._layout = workspace, layout
        self._closing = ExitStack()

    def commit(self) -> None:
        """Complete the output, then publish it.

        Raises: OutputExists if the destination appeared meanwhile; StorageFull.
        """
        self._finish()
        self._closing.close()
        self._workspace.publish()

    def suspend(self) -> None:
        """Let go of the unfinished output, to be gone on from."""
        self._closing.close()
        self._workspace.release()

    def abort(self) -> None:
        """Remove the unfinished output; a committed one stays."""
        self._closing.close()
        self._workspace.discard()

    @abstractmethod
    def _finish(self) -> None:
        """Write what the output lacks, and make it durable."""

    def _opened(self, thing: _T) -> _T:
        """Have something closed when the output is let go of, before all that was opened earlier; give it back."""
        self._closing.callback(thing.close)
        return thing

    def _committed(self) -> Path:
        """Say where the committed output lies.

        Raises: InvalidArgument before `commit`.
        """
        if not self._workspace.published:
            raise InvalidArgument("nothing is committed yet, so nothing can be mapped; call commit() first")
        return self._workspace.path
