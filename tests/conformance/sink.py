"""What every sink must do. A new sink subclasses `SinkSuite` and says how to make it and how to read back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from tf2numpy._protocols import Reader, Sink, SinkFactory
from tf2numpy._spans import regions
from tf2numpy._types import PLAIN, ArraySpec, Chunk, Index, Layout
from tf2numpy._workspace import Workspace

from .arrays import EXTENDED, assert_same, logical, sample, whole
from .sink_arrays import ArrivalTests
from .sink_dtypes import DtypeTests
from .sink_output import OutputTests
from .sink_reading import ReadingTests
from .sink_refusals import RefusalTests
from .sink_resume import ResumeTests
from .sink_witness import WitnessTests

__all__ = ["EXTENDED", "DtypeTests", "SinkSuite", "VariantSuite", "assert_same", "logical", "sample"]


class VariantSuite(ArrivalTests, RefusalTests, OutputTests, ResumeTests, ReadingTests, WitnessTests):
    """What a further way of writing a format must do. Subclass it, and set the hooks and the flags."""

    many_arrays: ClassVar[bool] = True
    strings: ClassVar[bool] = True
    files: ClassVar[bool] = True
    bounded: ClassVar[bool] = True  # rows beyond the spec's are refused
    same_bytes: ClassVar[bool] = True  # the same arrays give the same file, byte for byte
    by_rows: ClassVar[bool] = False  # an output is one table: every array comes in whole rows, from its first one on
    resumes: ClassVar[bool] = True  # an unfinished output can be gone on from
    sink: ClassVar[SinkFactory]
    reader: ClassVar[Reader]
    layout: ClassVar[Layout] = PLAIN
    marker: ClassVar[str] = ""

    def make_sink(self, path: Path, overwrite: bool = False, keep: bool = False) -> Sink:
        """Make the sink; keep: what an interrupted process left."""
        workspace = Workspace(path, overwrite=overwrite, marker=self.marker)
        if keep:
            workspace.open(keep=True)
        return type(self).sink(workspace, self.layout)

    def read_back(self, path: Path, name: str) -> np.ndarray:
        """Read one array with the format's own library and restore its logical dtype."""
        raise NotImplementedError

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "out"

    def pieces(self, shape: tuple[int, ...], itemsize: int, max_bytes: int) -> list[Index]:
        """Cut an array into regions that the sink takes in this order."""
        if self.by_rows:
            return [(slice(row, row + 1),) for row in range(shape[0])] or [(slice(0, 0),)]
        return list(regions(shape, itemsize, max_bytes))

    def needs_any_regions(self) -> None:
        """Skip a test of regions in any order."""
        if self.by_rows:
            pytest.skip("takes whole rows in order")

    def needs_rows(self, shape: tuple[int, ...]) -> None:
        """Skip a test of an array without rows."""
        if self.by_rows and not shape:
            pytest.skip("holds no array without rows")

    def fill(self, path: Path, specs: dict[str, ArraySpec], chunks: list[Chunk], overwrite: bool = False) -> Sink:
        sink = self.make_sink(path, overwrite)
        sink.begin(specs)
        for chunk in chunks:
            sink.write(chunk)
        sink.commit()
        return sink

    def fill_one(self, path: Path, array: np.ndarray, pieces: list[Index] | None = None, **spec: Any) -> Sink:
        """Write an array by the regions given; its rows are unknown if the keyword says so."""
        shape = (None, *array.shape[1:]) if spec.get("unknown") else array.shape
        pieces = [whole(array.shape)] if pieces is None else pieces
        chunks = [Chunk("x", index, array[(*index, ...)]) for index in pieces]
        return self.fill(path, {"x": ArraySpec(shape, array.dtype)}, chunks)

    def leftovers(self, path: Path) -> list[str]:
        return sorted(os.listdir(path.parent))


class SinkSuite(DtypeTests, VariantSuite):
    """What every sink must do."""
