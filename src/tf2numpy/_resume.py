"""How far an output is: noted step by step, kept in its journal, and taken up again from there.

What the output is made of, and what it is written with, may not enter: only steps, marks and the journal.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import _fetch, _journal
from ._checksum import fingerprint
from ._errors import InvalidArgument
from ._journal import Entry, Guard, Journal
from ._protocols import RowSource, Sink, Source, State
from ._stream import Step, steps

# How much work a kill may cost, beside the time the disk takes to make it durable.
_MARK_EVERY_S = 1.0

# Where a source begins.
_START: Mapping[str, Any] = {"leaf": 0, "state": None}


class Ledger:
    """What of an output is written.

    head: what the output is to be, as its journal says; None for one that begins anew.
    ends: rows so far of each array whose rows are counted as they come. checksums: of all pieces so far.
    """

    def __init__(self, path: Path, *, resume: bool, guard: Guard, marks: bool = True) -> None:
        """Read the journal that an interrupted process left; without resume, or one, begin anew.

        guard: gives the context that words errors of writing. marks: whether there will be a journal; nothing can go on
        from an output without one.
        """
        self._path, self._guard, self._marks = path, guard, marks
        entries = _journal.read(path) if resume else []
        self._entries: list[Entry] = entries if len(entries) > 1 else []
        self._mark: dict[str, Any] = dict(self._entries[-1]) if self._entries else {}
        self._journal: Journal | None = None
        self._marked_at = time.monotonic()
        self._torn = self._settled = False
        self._begun_at = time.monotonic()
        self.head: Entry | None = self._entries[0] if self._entries else None
        self.ends: dict[str, int] = dict(self._mark.get("ends", {}))
        self.checksums: list[Any] = [one for entry in self._entries[1:] for one in entry["checksums"]]
        self._checksums_marked = len(self.checksums)

    @property
    def sink_state(self) -> State | None:
        """What the sink needs to go on; None for an output that begins anew."""
        return self._mark.get("sink")

    def check(self, head: Entry, shown: str) -> None:
        """Refuse to go on with an output that was to be another.

        Raises: InvalidArgument saying what differs.
        """
        now = json.loads(json.dumps(head))
        for key, was in (self.head or {}).items():
            if now[key] != was:
                raise InvalidArgument(
                    f"{shown} was begun with {key} {was}, and now {key} is {now[key]}; save it as it was begun, or "
                    "without resume=True, which begins anew"
                )

    def begin(self, head: Entry) -> None:
        """Write the journal anew, with what it told so far."""
        if self._marks:
            self._journal = Journal(self._path, self._entries or [head], self._guard)

    def remaining(self, source: Source, piece_bytes: int, shown: str) -> Generator[Step, None, None]:
        """Give the steps that are not written yet.

        Raises: InvalidArgument if the first or the last step that is written would now be another.
        """
        if not self._mark:
            yield from steps(source, piece_bytes)
            return
        once = any(isinstance(leaf, RowSource) and leaf.once for _, leaf in _fetch.leaves(source))
        rest = steps(source, piece_bytes)
        step = next(rest, None)
        self._compare(step, "first", shown)
        if not once:
            rest = steps(source, piece_bytes, **self._mark["before"])
            step = next(rest, None)
        while once and step is not None and (step.leaf, step.state) != (self._mark["leaf"], self._mark["state"]):
            step = next(rest, None)  # what cannot be begun in the middle is read again, and not written
        self._compare(step, "last", shown)
        del step
        yield from rest

    def writing(self) -> None:
        """Say that a step is being written: until it is noted, no mark can be made."""
        self._torn = True

    def note(self, step: Step, checksums: list[Any]) -> None:
        """Take a step as written."""
        self.checksums += checksums
        self._torn = False
        if not self._marks:
            return
        seen = fingerprint(step.chunks)
        place = {"leaf": step.leaf, "state": step.state}
        before = {key: self._mark[key] for key in place} if self._mark else dict(_START)
        self._mark = {**place, "before": before, "first": self._mark.get("first", seen), "last": seen}

    def mark_if_due(self, sink: Sink) -> None:
        """Mark what is noted, if the last mark is durable and some time ago."""
        if self._journal is None:
            return
        if time.monotonic() - self._marked_at >= _MARK_EVERY_S and not self._journal.busy:
            self._write_mark(sink)

    def settle(self, sink: Sink) -> None:
        """Before the sink commits: have all of it marked, if that may be worth something should the commit fail."""
        if self._journal is None:
            return
        self._journal.wait()
        if self._mark and time.monotonic() - self._begun_at >= _MARK_EVERY_S:
            self._write_mark(sink)
            self._journal.wait()
        self._settled = True

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()

    def keep(self, sink: Sink) -> bool:
        """After an error: mark what is noted, if it can be, close, and say whether there is a mark to go on from."""
        if self._journal is None:
            return bool(self._entries)
        with suppress(Exception):  # a full disk takes no mark either: then the one before counts
            if self._mark and not self._torn and not self._settled:
                self._write_mark(sink)
            self._journal.wait()
        self.close()
        return len(_journal.read(self._path)) > 1

    def _write_mark(self, sink: Sink) -> None:
        assert self._journal is not None
        self._journal.wait()
        count = len(self.checksums)
        new = self.checksums[self._checksums_marked :]  # since the last mark that is durable: one that failed is gone
        entry = {**self._mark, "sink": sink.state(), "ends": dict(self.ends), "checksums": new}
        self._journal.mark(entry, sink.sync, lambda: setattr(self, "_checksums_marked", count))
        self._marked_at = time.monotonic()

    def _compare(self, step: Step | None, which: str, shown: str) -> None:
        if step is None or fingerprint(step.chunks) != self._mark[which]:
            raise InvalidArgument(
                f"the value is not the one that {shown} was begun with: the {which} piece that is written differs; "
                "save that one, or this one without resume=True, which begins anew"
            )
