"""Going on with an output that an interrupted process left: a part of `SinkSuite`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from tf2numpy._protocols import Sink, State
from tf2numpy._types import ArraySpec, Chunk

from .arrays import assert_same, logical, sample


def text(rows: int, cols: int) -> np.ndarray:
    array = np.empty((rows, cols), object)
    for i in range(rows):
        for j in range(cols):
            array[i, j] = bytes([i % 251, 0]) * (j + i % 3)
    return array


class ResumeTests:
    """Whatever was written when the last state was taken stays; the finished output tells of no interruption."""

    def columns(self) -> dict[str, tuple[ArraySpec, np.ndarray]]:
        """Give arrays of known and unknown length, of all sorts that the format takes."""
        arrays = {"known": sample((40, 6), np.dtype("f4"))}
        if self.many_arrays:
            arrays |= {
                "half/known": sample((40, 3), logical("bfloat16")),
                "half/grows": sample((40, 5), logical("float8_e5m2")),
                "grows": sample((40, 2, 3), np.dtype("c8")),
                "empty": sample((40, 0), np.dtype("i2")),
            }
        if self.strings:
            arrays |= {"text": text(40, 2), "text grows": text(40, 2)}
        return {
            name: (ArraySpec((None, *array.shape[1:]) if "grows" in name else array.shape, array.dtype), array)
            for name, array in arrays.items()
        }

    def go_on(self, path: Path, state: State) -> Sink:
        """Take an output up again the way a new process does; the state has been through a file."""
        sink = self.make_sink(path, keep=True)
        sink.begin({name: spec for name, (spec, _) in self.columns().items()}, json.loads(json.dumps(state)))
        return sink

    def rows(self, sink: Sink, start: int, stop: int) -> None:
        for name, (_, array) in self.columns().items():
            sink.write(Chunk(name, (slice(start, stop),), array[start:stop]))

    @pytest.mark.parametrize("lost", [0, 5])
    @pytest.mark.parametrize("stops", [[10, 40], [0, 1, 2, 40], [7, 8, 39, 40], [40]], ids=str)
    def test_going_on_gives_the_same_output(self, path, stops, lost):
        """lost: rows that were written after the last state was taken, and are written again."""
        if not self.files or not self.resumes:
            pytest.skip("writes no file, or none that can be gone on from")
        sink = self.make_sink(path)
        sink.begin({name: spec for name, (spec, _) in self.columns().items()})
        start = 0
        for stop in stops:
            self.rows(sink, start, stop)
            state = sink.state()
            sink.sync()
            if lost and stop + lost <= 40:
                self.rows(sink, stop, stop + lost)
            sink.suspend()
            assert self.leftovers(path) == [".out.partial"]
            sink, start = self.go_on(path, state), stop
        self.rows(sink, start, 40)
        sink.commit()
        assert self.leftovers(path) == ["out"]
        for name, (_, array) in self.columns().items():
            assert_same(self.read_back(path, name), array)

        straight = path.parent / "straight"
        specs = {name: spec for name, (spec, _) in self.columns().items()}
        whole = self.make_sink(straight)
        whole.begin(specs)
        self.rows(whole, 0, 40)
        whole.commit()
        if self.same_bytes:
            assert contents(path) == contents(straight)

    def test_nothing_comes_back_of_what_was_aborted(self, path):
        if not self.files:
            pytest.skip("writes no file")
        sink = self.make_sink(path)
        sink.begin({"x": ArraySpec((4,), np.dtype("f4"))})
        sink.suspend()
        sink.suspend()
        assert self.leftovers(path) == [".out.partial"]
        array = sample((4,), np.dtype("f4"))
        self.fill(path, {"x": ArraySpec((4,), np.dtype("f4"))}, [Chunk("x", (slice(0, 4),), array)])
        assert_same(self.read_back(path, "x"), array)
        assert self.leftovers(path) == ["out"]


def contents(path: Path) -> dict[str, bytes]:
    """Give every file of an output."""
    if path.is_file():
        return {"": path.read_bytes()}
    return {
        os.path.relpath(Path(folder) / name, path): (Path(folder) / name).read_bytes()
        for folder, _, names in os.walk(path)
        for name in names
    }
