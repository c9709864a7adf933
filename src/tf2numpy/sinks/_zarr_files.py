"""The many files of an output folder: few of them open at once, all of them made durable together.

What the files hold may not enter.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .._workspace import Workspace, sync_folder
from ._output_file import OutputFile, pwrite_all
from ._writeback import begin_writeback

_MOST_OPEN = 32
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0)
# So many files are synced one by one; of more, the whole file system is, which others may be writing to as well.
_FEW_FILES = 16


class Files:
    """Files below a workspace's folder, opened when they are needed.

    Only `sync` and `try_put` may be called from other threads.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._open: OrderedDict[Path, OutputFile] = OrderedDict()
        self._written: set[Path] = set()
        self._marked: set[Path] = set()
        self._lock = threading.Lock()
        # An error in writing the data back is told to the folders that were open at the time.
        self._folder = os.open(workspace.folder, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        self._syncfs = _syncfs()

    def at(self, path: Path) -> OutputFile:
        """Give a file, as it is or new and empty; it may be closed when another is asked for."""
        self._written.add(path)
        file = self._open.pop(path, None) or self._opened(path)
        self._open[path] = file
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)[1].close()
        return file

    def is_open(self, path: Path) -> bool:
        """Tell whether the file has stayed open since it was last asked for."""
        return path in self._open

    def put(self, path: Path, data: bytes) -> None:
        """Let a file hold these bytes alone."""
        file = self.at(path)
        file.resize(len(data))
        with file.guard():
            file.pwrite(data, 0)
        self._open.pop(path).close()

    def try_put(self, path: Path, data: bytes) -> bool:
        """Do as `put` does, on any thread, and say whether it could be done; if so, `note` it, else `put` says why."""
        try:
            try:
                fd = os.open(path, _NEW, 0o666)
            except FileNotFoundError:
                path.parent.mkdir(parents=True, exist_ok=True)
                fd = os.open(path, _NEW, 0o666)
            try:
                pwrite_all(fd, data, 0)
                begin_writeback(fd)
            finally:
                os.close(fd)
        except OSError:
            return False
        return True

    def note(self, path: Path, nbytes: int) -> None:
        """Count a file that `try_put` wrote as written."""
        self._written.add(path)
        self.workspace.written += nbytes

    def remove(self, path: Path) -> None:
        """Remove a file, if it is there."""
        if path in self._open:
            self._open.pop(path).close()
        self._written.discard(path)
        with self._lock:
            self._marked.discard(path)
        path.unlink(missing_ok=True)

    def mark(self) -> None:
        """Let `sync` make durable what was written so far."""
        with self._lock:
            self._marked |= self._written
        self._written = set()

    def sync(self) -> None:
        """Make durable what was written before `mark` was last called."""
        with self._lock:
            marked, self._marked = self._marked, set()
        try:
            with self.workspace.guard():
                self._sync(marked)
        except BaseException:
            with self._lock:
                self._marked |= marked
            raise

    def close(self) -> None:
        """Close every file; a second time does nothing."""
        while self._open:
            self._open.popitem()[1].close()
        if self._folder >= 0:
            folder, self._folder = self._folder, -1
            os.close(folder)

    def _opened(self, path: Path) -> OutputFile:
        try:
            return OutputFile(self.workspace, path)
        except FileExistsError:
            return OutputFile(self.workspace, path, keep=True)
        except FileNotFoundError:
            with self.workspace.guard():
                path.parent.mkdir(parents=True, exist_ok=True)
            return OutputFile(self.workspace, path)

    def _sync(self, paths: set[Path]) -> None:
        if len(paths) > _FEW_FILES and self._syncfs is not None:
            if self._syncfs(self._folder):
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number), str(self.workspace.folder))
            return
        for path in paths:
            with suppress(FileNotFoundError):  # removed since
                fd = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(fd)
                finally:
                    os.close(fd)
        for folder in _folders(paths, self.workspace.folder):
            sync_folder(folder)


def _folders(paths: set[Path], top: Path) -> set[Path]:
    """Give every folder between the files and the one they all lie in."""
    found = {top} if paths else set()
    for path in paths:
        folder = path.parent
        while folder not in found:
            found.add(folder)
            folder = folder.parent
    return found


def _syncfs() -> Callable[[int], int] | None:
    """Give Linux's call that syncs a file system."""
    if not sys.platform.startswith("linux"):
        return None
    with suppress(OSError, AttributeError):
        call: Callable[[int], int] = ctypes.CDLL(None, use_errno=True).syncfs
        return call
    return None
