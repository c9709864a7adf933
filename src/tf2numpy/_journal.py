"""The journal of an unfinished output: what it is to be, and how far it is. Arrays, sinks and sources may not enter.

One JSON value a line: first what the output is to be, then one mark after the other. A line that a kill cut short
does not count, nor does any after it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

Entry = Mapping[str, Any]
Guard = Callable[[], AbstractContextManager[None]]


def read(path: Path) -> list[Entry]:
    """Give the head and the marks of a journal; nothing if there is none."""
    entries: list[Entry] = []
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    for line in lines[:-1]:  # after the last newline comes what a kill cut short
        try:
            entry = json.loads(line)
        except ValueError:
            break
        if not isinstance(entry, dict):
            break
        entries.append(entry)
    return entries


class Journal:
    """A journal being written. Marks are made durable on a thread, each after the data it tells of."""

    def __init__(self, path: Path, entries: list[Entry], guard: Guard = nullcontext) -> None:
        """Begin a journal with these entries, the head first; it replaces the one that is there.

        guard: gives the context that words errors of writing.
        """
        self._guard = guard
        temporary = path.with_name("journal.new")
        with guard():
            temporary.write_bytes(b"".join(map(_line, entries)))
            os.replace(temporary, path)
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND)
        self._thread = ThreadPoolExecutor(1)
        self._running: Future[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether the last mark is not durable yet."""
        return self._running is not None and not self._running.done()

    def mark(self, entry: Entry, sync: Callable[[], None], then: Callable[[], None] = lambda: None) -> None:
        """Write a mark once `sync` has made durable what it tells of; call `then`, on the thread, once it is durable.

        Raises: what the writing of an earlier mark raised.
        """
        self.wait()
        self._running = self._thread.submit(self._write, _line(entry), sync, then)

    def wait(self) -> None:
        """Wait for the last mark; raise what its writing raised."""
        if self._running is not None:
            running, self._running = self._running, None
            running.result()

    def close(self) -> None:
        """Stop the thread and close the file; a second time does nothing."""
        self._thread.shutdown()
        if self._fd >= 0:
            fd, self._fd = self._fd, -1  # first: an interruption may come as soon as it is closed
            os.close(fd)

    def _write(self, line: bytes, sync: Callable[[], None], then: Callable[[], None]) -> None:
        sync()
        end, rest = os.fstat(self._fd).st_size, memoryview(line)
        with self._guard():
            try:
                while rest:  # a full disk may take a part
                    rest = rest[os.write(self._fd, rest) :]
                os.fsync(self._fd)
            except OSError:
                os.ftruncate(self._fd, end)  # nothing after a line that is cut short would count
                raise
        then()


def _line(entry: Entry) -> bytes:
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"
