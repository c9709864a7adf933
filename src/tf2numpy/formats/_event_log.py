"""The events of one run, gathered by tag in one pass. Which files those are may not enter."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from .._blobs import Blob
from .._errors import ChecksumError, FormatError
from .._protocols import ArraySource
from .._types import joined
from .._units import format_bytes
from ..wire import events as wire
from ..wire import records, tensor_proto
from ._event_alike import Alike
from ._event_columns import Encoded, Histograms, Images, Scalars, Tensors, Values
from ._reading import reading
from ._stacked import held

# A tag costs some 2 KB of memory, whatever little it takes in a file.
_LEAST_TAGS, _BYTES_OF_A_TAG = 30_000, 200
_FLOAT, _STRING = 1, 7
# Plugins whose data beside a value say nothing of the value.
_KNOWN_PLUGINS = ("", "scalars", "histograms", "images", "audio", "text")
_KINDS: dict[int, Callable[[Sequence[Blob]], Values]] = {
    wire.SIMPLE: Scalars,
    wire.HISTOGRAM: Histograms,
    wire.IMAGE: partial(Encoded, kind=wire.IMAGE),
    wire.AUDIO: partial(Encoded, kind=wire.AUDIO),
}


class _Tag:
    """What was found under one tag."""

    __slots__ = ("kind", "metadata", "plugin", "refused", "steps", "values", "wall_times")

    def __init__(self) -> None:
        self.steps, self.wall_times = array("q"), array("d")
        self.kind: Callable[[Sequence[Blob]], Values] | None = None
        self.values: Values | None = None
        self.plugin, self.metadata = "", 0  # and the bytes that only the plugin knows
        self.refused: Counter[str] | None = None


class Log:
    """The events of one run, file by file."""

    def __init__(self, run: str, files: Sequence[tuple[str, Blob]]) -> None:
        """files: the name of each, and its bytes."""
        self._run, self._names, self._blobs = run, [name for name, _ in files], [blob for _, blob in files]
        self._tags: dict[str, _Tag] = {}
        self._others: Counter[int] = Counter()
        self._other_bytes: Counter[int] = Counter()
        self._cut: dict[str, str] = {}
        self._alike = Alike()
        self._most_tags = _LEAST_TAGS + sum(blob.size for blob in self._blobs) // _BYTES_OF_A_TAG

    def read(self, file: int, *, check: bool) -> None:
        """Take in all whole events of a file.

        Raises: ChecksumError; FormatError for what is no event.
        """
        blob = self._blobs[file]
        blocks = records.blocks(blob.read, blob.size, check=check)
        while True:
            try:
                with reading(repr(blob.name)):
                    block = next(blocks, None)
                    if block is not None and check:
                        block.check()
            except ChecksumError:
                raise
            except FormatError as error:  # the end of a file that is still being written, or was to be
                self._cut[joined(self._run, self._names[file])] = f"{error}; the events before it are complete"
                return
            if block is None:
                return
            self._take_block(block, file)

    def _take_block(self, block: records.Block, file: int) -> None:
        data, start = bytes(block.data), 0
        try:
            for start, stop in zip(block.starts.tolist(), block.stops.tolist(), strict=True):
                if not self._alike.take(data, start, stop):
                    self._take(memoryview(data)[start:stop], file, block.offset + start)
        except FormatError as error:
            at = block.offset + start - records.HEADER_BYTES
            where = f"the event at offset {at} of {self._blobs[file].name!r}"
            raise type(error)(f"{where} cannot be read: {error}") from error

    def _take(self, data: memoryview, file: int, at: int) -> None:
        """Take in an event that begins there in that file."""
        event = wire.event(data)
        for number, nbytes in event.others:
            self._others[number] += 1
            self._other_bytes[number] += nbytes
        for value in event.values:
            tag = self._tags.get(value.tag)
            if tag is None:
                tag = self._new_tag(value.tag)
            why = self._why_not(tag, value, file, at + value.start)
            if why is not None:
                tag.refused = tag.refused or Counter()
                tag.refused[why] += 1
                continue
            tag.steps.append(event.step)
            tag.wall_times.append(event.wall_time)
            if len(event.values) == 1 and len(tag.steps) > 1 and isinstance(tag.values, Scalars):
                place = wire.scalar_place(value)
                if place is not None:
                    target = (tag.wall_times, tag.steps, tag.values.held)
                    self._alike.learn(bytes(data), value.start + place, target)

    def _new_tag(self, name: str) -> _Tag:
        if len(self._tags) >= self._most_tags:
            raise FormatError(f"it has a new tag, and there are {len(self._tags)}; a file of this size has no more")
        tag = self._tags[name] = _Tag()
        return tag

    def _why_not(self, tag: _Tag, value: wire.Value, file: int, at: int) -> str | None:
        """Keep a value, or say why it cannot be kept with the others of its tag."""
        if value.metadata and not tag.plugin:
            tag.plugin, tag.metadata = wire.plugin(value.metadata)
        if not value.kind:
            return "a tag and nothing else"
        kind = _kind(value, tag.plugin)
        if tag.values is not None and tag.kind is not kind:
            return "of another kind than the first one"
        values = kind(self._blobs) if tag.values is None else tag.values
        why = values.add(value, file, at)
        if why is None:
            tag.values, tag.kind = values, kind
        return why

    def arrays(self) -> Iterator[tuple[str, ArraySource]]:
        """Give the columns of every tag."""
        device = ", ".join(blob.name for blob in self._blobs)
        for name, tag in self._tags.items():
            if tag.values is not None:
                yield joined(self._run, name, "step"), held(np.frombuffer(tag.steps, np.int64), f"file {device}")
                yield joined(self._run, name, "wall_time"), held(np.frombuffer(tag.wall_times), f"file {device}")
                for column, source in tag.values.columns():
                    yield joined(self._run, name, column), source

    def left_out(self) -> dict[str, str]:
        """Say what is in the files and in no array."""
        found = {}
        for number, count in self._others.items():
            size = format_bytes(self._other_bytes[number])
            found[joined(self._run, wire.OTHERS[number])] = f"{count} of them, {size}: no value of a summary"
        for name, tag in self._tags.items():
            shown = joined(self._run, name)
            if tag.refused:
                found[shown] = "; ".join(f"{_values(count)}: {why}" for why, count in tag.refused.items())
            if tag.metadata and tag.plugin not in _KNOWN_PLUGINS:
                found[joined(shown, "plugin_data")] = f"{tag.metadata} bytes that only the plugin {tag.plugin!r} reads"
        return found | self._cut


def _kind(value: wire.Value, plugin: str) -> Callable[[Sequence[Blob]], Values]:
    """Say what takes values of this kind."""
    if value.kind in _KINDS:
        return _KINDS[value.kind]
    if wire.scalar_place(value) is not None:
        return Scalars
    head = tensor_proto.head(value.content)
    if head.plain_enum == _FLOAT and not head.shape:
        return Scalars
    return Images if plugin == "images" and head.plain_enum == _STRING else Tensors


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count} values"
