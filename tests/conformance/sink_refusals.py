"""What a sink refuses: a part of `SinkSuite`."""

from __future__ import annotations

import numpy as np
import pytest

from tf2numpy._errors import InvalidArgument
from tf2numpy._types import ArraySpec, Chunk


class RefusalTests:
    """Pieces that do not fit what was announced are refused."""

    @pytest.mark.parametrize(
        ("name", "index", "value", "message"),
        [
            ("y", np.s_[0:1,], np.zeros((1, 3), "f4"), "there is no array 'y' here; there are 'x'"),
            (
                "x",
                np.s_[0:1,],
                np.zeros((1, 3), "f8"),
                "array 'x': the piece [0:1] is float64, the array float32",
            ),
            (
                "x",
                np.s_[0:2, 2:4],
                np.zeros((2, 2), "f4"),
                "array 'x': the piece [0:2, 2:4] is no region of the shape (4, 3)",
            ),
            (
                "x",
                np.s_[0:1, 0:3, 0:1],
                np.zeros((1, 3, 1), "f4"),
                "array 'x': the piece [0:1, 0:3, 0:1] is no region of the shape (4, 3)",
            ),
            (
                "x",
                np.s_[-1:1,],
                np.zeros((2, 3), "f4"),
                "array 'x': the piece [-1:1] is no region of the shape (4, 3)",
            ),
            (
                "x",
                (slice(0, 4, 2),),
                np.zeros((2, 3), "f4"),
                "array 'x': the piece [0:4] is no region of the shape (4, 3)",
            ),
            (
                "x",
                np.s_[1:3,],
                np.zeros((3, 3), "f4"),
                "array 'x': the piece [1:3] holds shape (3, 3), and the region has (2, 3)",
            ),
        ],
    )
    def test_chunks_that_do_not_fit(self, path, name, index, value, message):
        sink = self.make_sink(path)
        sink.begin({"x": ArraySpec((4, 3), np.dtype("f4"))})
        with pytest.raises(InvalidArgument) as caught:
            sink.write(Chunk(name, index, value))
        assert str(caught.value) == message
        sink.abort()

    def test_rows_beyond_the_last(self, path):
        if not self.bounded:
            pytest.skip("takes the number of rows as a hint")
        sink = self.make_sink(path)
        sink.begin({"x": ArraySpec((4, 3), np.dtype("f4"))})
        with pytest.raises(InvalidArgument) as caught:
            sink.write(Chunk("x", (slice(3, 5),), np.zeros((2, 3), "f4")))
        assert str(caught.value) == "array 'x': the piece [3:5] is no region of the shape (4, 3)"
        sink.abort()

    @pytest.mark.parametrize(
        ("index", "shown"), [(np.s_[3:4,], "3:4"), (np.s_[1:2,], "1:2"), (np.s_[2:3, 0:1], "2:3, 0:1")]
    )
    def test_unknown_rows_with_gaps(self, path, index, shown):
        array = np.zeros((9, 3), "f4")
        sink = self.make_sink(path)
        sink.begin({"x": ArraySpec((None, 3), array.dtype)})
        sink.write(Chunk("x", (slice(0, 2),), array[:2]))
        with pytest.raises(InvalidArgument) as caught:
            sink.write(Chunk("x", index, array[index]))
        why = "it becomes a column of one table" if self.by_rows else "the number of rows is not known"
        assert str(caught.value) == f"array 'x': the piece [{shown}] must hold whole rows from row 2 on, as {why}"
        sink.abort()

    @pytest.mark.parametrize(("index", "shown"), [(np.s_[2:4,], "2:4"), (np.s_[0:1, 0:2], "0:1, 0:2")])
    def test_rows_of_a_table_out_of_order(self, path, index, shown):
        if not self.by_rows:
            pytest.skip("takes any regions in any order")
        array = np.zeros((4, 3), "f4")
        sink = self.make_sink(path)
        sink.begin({"x": ArraySpec(array.shape, array.dtype)})
        with pytest.raises(InvalidArgument) as caught:
            sink.write(Chunk("x", index, array[index]))
        assert str(caught.value) == (
            f"array 'x': the piece [{shown}] must hold whole rows from row 0 on, as it becomes a column of one table"
        )
        sink.abort()
