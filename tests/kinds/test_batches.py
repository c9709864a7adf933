"""Generators of batches: rows of NumPy arrays or tensors, read once, in memory or into a file."""

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import assert_equal, fails
from tf2numpy import _resume

ROWS = np.arange(60.0).reshape(20, 3)


def arrays():
    for start in range(0, 20, 7):
        yield ROWS[start : start + 7]


def structures():
    for start in range(0, 20, 7):
        lengths = np.arange(start, min(start + 7, 20)) % 4
        splits = np.concatenate([[0], np.cumsum(lengths)])
        yield {
            "x": ROWS[start : start + 7],
            "r": (t2n.RaggedArray(np.repeat(lengths, lengths), splits), None),
            "s": np.array([b"a\0" * n for n in lengths], object),
        }


def assert_structures(found):
    assert list(found) == ["x", "r", "s"]
    assert_equal(found["x"], ROWS)
    assert found["r"][0].to_list() == [[i % 4] * (i % 4) for i in range(20)]
    assert found["r"][1] is None
    assert found["s"].tolist() == [b"a\0" * (i % 4) for i in range(20)]


def test_in_memory():
    assert_equal(t2n.to_numpy(arrays()), ROWS)
    assert_equal(t2n.to_numpy(map(np.copy, arrays()), dtype="f4"), ROWS.astype("f4"))
    assert_structures(t2n.to_numpy(structures()))


def test_of_tensors(tf):
    found = t2n.to_numpy({"r": tf.ragged.range(tf.range(i, i + 2)), "x": tf.fill([2, 1], i)} for i in range(3))
    assert found["r"].to_list() == [list(range(j)) for i in range(3) for j in (i, i + 1)]
    assert found["x"].tolist() == [[i] for i in (0, 0, 1, 1, 2, 2)]


def test_in_pieces():
    pieces = list(t2n.iter_chunks(arrays(), max_bytes=400))
    assert np.concatenate([piece.value for piece in pieces]).tolist() == ROWS.tolist()
    assert all(piece.value.nbytes <= 100 for piece in pieces)


@pytest.mark.parametrize("suffix", [".h5", ".zarr"])
def test_into_a_file(tmp_path, suffix):
    path = t2n.save(structures(), tmp_path / f"x{suffix}")
    with t2n.open(path) as file:
        assert_equal(file["x"][...], ROWS)
        assert file["r/0/row_splits"][-1] == sum(i % 4 for i in range(20))
        assert file["s"][...].tolist() == [b"a\0" * (i % 4) for i in range(20)]


@pytest.mark.parametrize("suffix", [".npy", ".h5", ".parquet"])
def test_memory_that_the_generator_fills_anew(tmp_path, suffix):
    """As a camera or a decoder gives its frames: always the same array, never with the same values."""
    frame, splits = np.zeros((4, 3)), np.arange(5)

    def frames():
        for number in range(6):
            frame[...] = number
            splits[1:] = [0, 1, 2, 4] if number % 2 else [1, 2, 3, 4]
            yield frame if suffix == ".npy" else {"x": frame, "r": t2n.RaggedArray(frame[:, 0], splits)}

    wanted = np.repeat(np.arange(6.0), 4)[:, None] * np.ones(3)
    with t2n.open(t2n.save(frames(), tmp_path / f"x{suffix}")) as file:
        assert_equal(file["data" if suffix == ".npy" else "x"][...], wanted)
        if suffix != ".npy":
            assert_equal(file["r/values"][...], wanted[:, 0])
            assert np.diff(file["r/row_splits"][:]).tolist() == [1, 1, 1, 1, 0, 1, 1, 2] * 3


def test_parts_that_the_generator_fills_anew(tmp_path):
    indices, values = np.zeros((1, 2), np.int64), np.zeros(1)

    def batches():
        for number in range(3):
            indices[0, 1], values[0] = number, number + 1
            yield t2n.SparseArray(indices, values, (1, 3))

    with t2n.open(t2n.save(batches(), tmp_path / "x.h5")) as file:
        assert file["indices"][:].tolist() == [[0, 0], [1, 1], [2, 2]]
        assert file["values"][:].tolist() == [1, 2, 3]


def test_on_after_an_interruption(tmp_path, monkeypatch):
    """What is written is read again, for it cannot be skipped, and not written again."""
    monkeypatch.setattr(_resume, "_MARK_EVERY_S", 0.0)
    path = tmp_path / "x.npy"

    def interrupted():
        yield from list(arrays())[:2]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        t2n.save(interrupted(), path)
    seen = []
    t2n.save(arrays(), path, resume=True, progress=lambda done, total: seen.append(done))
    assert np.load(path).tolist() == ROWS.tolist()
    assert seen[-1] < ROWS.nbytes
    path.unlink()
    with pytest.raises(KeyboardInterrupt):
        t2n.save(interrupted(), path)
    with pytest.raises(t2n.InvalidArgument, match="the last piece that is written differs"):
        t2n.save((batch + (batch[0, 0] > 0) for batch in arrays()), path, resume=True)


def test_planning_reads_nothing():
    generator = arrays()
    with fails(
        t2n.InvalidArgument,
        "a generator says what it gives only by giving it, and planning reads nothing; plan one of its batches",
    ):
        t2n.plan(generator)
    assert_equal(t2n.to_numpy(generator), ROWS)


def test_what_is_refused():
    with fails(
        t2n.DatasetError, "this generator gives no batch, so nothing says what it would give; give at least one"
    ):
        t2n.to_numpy(iter(()))
    with fails(t2n.DatasetError, "at batch: a str has no rows; give batches of arrays, or structures of them"):
        t2n.to_numpy(iter(["words"]))
    with fails(t2n.DatasetError, "at batch['a']: a int has no rows; give batches of arrays, or structures of them"):
        t2n.to_numpy(iter([{"a": 1}]))
    with fails(t2n.DatasetError, "the arrays of this batch have [2, 3] rows; give equally many of each"):
        t2n.to_numpy(iter([(np.zeros(2), np.zeros(3))]))
    for other, rows in (
        (np.zeros((2, 4)), "ndarray of float64 (4,)"),
        (np.zeros((2, 3), "f4"), "ndarray of float32 (3,)"),
    ):
        with pytest.raises(t2n.DatasetError) as caught:
            t2n.to_numpy(iter([np.zeros((2, 3)), other]))
        assert str(caught.value) == (
            f"batch has rows of {rows}, and the first batch had ndarray of float64 (3,); give batches of "
            "equal rows, or RaggedArrays where their sizes differ"
        )
        assert caught.value.__notes__ == ["in batch 1 of the generator"]


def test_an_error_of_the_generator_names_the_batch():
    def broken():
        yield ROWS
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom") as caught:
        t2n.to_numpy(broken())
    assert caught.value.__notes__ == ["in batch 1 of the generator"]
