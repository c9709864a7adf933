"""A folder of .npy files that are filled side by side, few of them open at once. Names of arrays may not enter paths.

Which file an array has is given from outside; one file's bytes are `_npy_file`'s matter.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from .._types import ArraySpec, Chunk
from .._workspace import Workspace, sync_folder
from ._npy_file import NpyFile
from ._output_file import OutputFile
from ._runs import fit

_MOST_OPEN = 64  # a process may have some 1000 files open, and a model has more arrays than that
_SYNCED_AT_ONCE = 8

_T = TypeVar("_T")


class NpyFolder:
    """The files, by array name. `sync` may run in another thread while `write` goes on."""

    def __init__(
        self,
        workspace: Workspace,
        root: Path,
        specs: Mapping[str, ArraySpec],
        files: Mapping[str, str],
        *,
        rows: Mapping[str, int] | None = None,
    ) -> None:
        """Create every file at its full size, as far as that is known; or go on after so many rows of each.

        files: the path of each array's file below `root`.
        """
        self._workspace, self._specs = workspace, specs
        self.paths = {name: root / file for name, file in files.items()}
        self._folders = sorted({root, *_between(root, self.paths.values())}, reverse=True)
        self.arrays: dict[str, NpyFile] = {}
        self._open: list[str] = []  # the one that was opened last at the end
        self._unsynced: set[Path] = set()
        self._lock = threading.Lock()
        self._named = False  # whether the folders are durable
        with workspace.guard():
            for folder in reversed(self._folders):
                folder.mkdir(exist_ok=rows is not None)
        try:
            for name, spec in specs.items():
                self._begin(name, spec, None if rows is None else rows.get(name, 0))
        except BaseException:
            self.close()
            raise

    @property
    def rows(self) -> dict[str, int]:
        """How many have come, of each array whose number is not known."""
        return {name: array.rows for name, array in self.arrays.items() if array.rows is not None}

    def write(self, chunk: Chunk) -> None:
        """Fill one rectangular region; with an unknown number of rows, the next rows.

        Raises: InvalidArgument for a chunk that does not fit; StorageFull.
        """
        if chunk.name not in self.arrays:
            fit(chunk, self._specs, None)  # it says which names there are
        self._array(chunk.name).write(chunk, self._specs)
        with self._lock:
            self._unsynced.add(self.paths[chunk.name])

    def sync(self) -> None:
        """Make what was written durable."""
        with self._lock:
            paths, self._unsynced = self._unsynced, set()
        try:
            with self._workspace.guard():
                _for_each(_sync, paths)
        except BaseException:
            with self._lock:
                self._unsynced |= paths
            raise
        if not self._named:
            self._sync_folders()
            self._named = True

    def complete(self) -> None:
        """Write the final numbers of rows and close every file; make them durable."""
        _for_each(self._complete, self.arrays)

    def finish(self) -> None:
        """Complete every file, and make their names durable too."""
        self.complete()
        self._sync_folders()

    def close(self) -> None:
        """Close every file; a second time does nothing."""
        for array in self.arrays.values():
            array.file.close()

    def _begin(self, name: str, spec: ArraySpec, rows: int | None) -> None:
        file = OutputFile(self._workspace, self.paths[name], keep=rows is not None)
        try:
            self.arrays[name] = NpyFile(file, spec, rows=rows)
        except BaseException:
            file.close()
            raise
        self._unsynced.add(self.paths[name])
        self._opened(name)

    def _array(self, name: str) -> NpyFile:
        """Give an array with its file open, and let go of the one that was opened longest ago."""
        array = self.arrays[name]
        if array.file.fd < 0:
            array.file = OutputFile(self._workspace, self.paths[name], keep=True)
            self._opened(name)
        return array

    def _complete(self, name: str) -> None:
        array = self.arrays[name]
        if array.file.fd < 0:
            array.file = OutputFile(self._workspace, self.paths[name], keep=True)
        array.finish()

    def _sync_folders(self) -> None:
        for folder in self._folders:
            sync_folder(folder)

    def _opened(self, name: str) -> None:
        self._open.append(name)
        if len(self._open) > _MOST_OPEN:
            self.arrays[self._open.pop(0)].file.close()


def _between(root: Path, paths: Iterable[Path]) -> set[Path]:
    """Give every folder below `root` on the way to a path."""
    return {folder for path in paths for folder in path.parents if folder.is_relative_to(root) and folder != root}


def _for_each(do: Callable[[_T], None], things: Iterable[_T]) -> None:
    """Do something that waits for the disk: it takes several at once in little more time than one."""
    with ThreadPoolExecutor(_SYNCED_AT_ONCE) as threads:
        for _ in threads.map(do, things):  # iterating raises what one of them raised
            pass


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
