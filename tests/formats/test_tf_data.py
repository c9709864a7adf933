"""Datasets that TensorFlow stored come back as the columns that it reads of them."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tf2numpy as t2n
from conformance.arrays import assert_same
from tf2numpy._dtypes import named
from wire.test_protobuf import chunk, encoded
from wire.test_records import framed
from wire.test_variants import ragged, tensor, tensors_of

GOLDEN = Path(__file__).parents[1] / "golden/tf_data"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text())
NAMES = sorted(EXPECTED)


def needs(name):
    """Skip what Snappy compressed where it cannot be read."""
    if "snappy" in name.lower() or name in ("snapshot/plain", "snapshot/ragged", "snapshot/own_shards"):
        pytest.importorskip("cramjam")


def expected(name):
    found = {}
    for column, told in EXPECTED[name].items():
        if told["dtype"] == "string":
            array = np.empty(len(told["strings"]), object)
            array[:] = [bytes.fromhex(element) for element in told["strings"]]
        else:
            array = np.frombuffer(bytes.fromhex(told["bits"]), named(told["dtype"]))
        found[column] = array.reshape(told["shape"])
    return found


def metadata(run_id="1", version=2, enums=(9,), elements=2, finalized=1):
    return (
        chunk(2, run_id.encode())
        + encoded(4 << 3)
        + encoded(version)
        + chunk(5, b"".join(map(encoded, enums)))
        + encoded(6 << 3)
        + encoded(elements)
        + encoded(1000 << 3)
        + encoded(finalized)
    )


@pytest.mark.parametrize("name", NAMES)
def test_what_tensorflow_reads(name):
    needs(name)
    with t2n.open(GOLDEN / name) as file:
        wanted = expected(name)
        assert sorted(file) == sorted(wanted)
        if name.startswith("distributed/"):  # several chunks, of which none is the first
            order = np.argsort(wanted["z"])[np.argsort(np.argsort(np.asarray(file["z"])))]
            wanted = {column: array[order] for column, array in wanted.items()}
        for column, array in wanted.items():
            assert file[column].shape == array.shape
            assert file[column].dtype == array.dtype
            assert_same(np.asarray(file[column]), array)
            assert_same(np.asarray(file[column]), array)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("max_bytes", [100, 700, 100_000])
def test_pieces_in_any_order(name, max_bytes):
    """Regions are what the whole has there, read forward, backward, and of several columns in turn."""
    needs(name)
    with t2n.open(GOLDEN / name) as file:
        sources = {column: file[column].source for column in file}
        whole = {column: np.asarray(file[column]) for column in file}
        for column, source in sources.items():
            again = np.empty_like(whole[column])
            for index in source.regions(max(max_bytes, 260 if again.dtype == object else 0)):
                again[index] = source.read(index)
            assert_same(again, whole[column])
        for row in (1, 0, 2, 1):
            for column, array in whole.items():
                if row < len(array):
                    assert_same(np.asarray(file[column][row : row + 2]), array[row : row + 2])


@pytest.mark.parametrize("name", ["save/plain_gzip", "save/ragged_gzip", "save/varying_gzip", "distributed/gzip"])
def test_streams_begin_anew(name, monkeypatch):
    """Blocks as small as can be, so that nearly each place is in another one."""
    monkeypatch.setattr("tf2numpy.wire.compression.PIECE_BYTES", 10)
    test_pieces_in_any_order(name, 100)
    monkeypatch.setattr("tf2numpy.formats._record_files._LEAST_STREAMS", 0)
    test_pieces_in_any_order(name, 100)


def test_ragged_rows_in_their_order(tmp_path):
    """Elements 0 and 2 lie in the first shard, 1 and 3 in the second one, as a snapshot has them."""
    rows = [[[1], [2, 3]], [[4, 5, 6]], [[], []], [[], [7]]]
    folder = tmp_path / "x" / "hash"
    for shard in (0, 1):
        (folder / "1" / f"{shard:08d}.shard").mkdir(parents=True)
        records = []
        for number in range(shard, 4, 2):
            splits = np.cumsum([0, *map(len, rows[number])])
            values = np.array([value for row in rows[number] for value in row], "f4")
            records += [tensor(np.array(number)), tensors_of((), ragged(splits, values))]
        (folder / "1" / f"{shard:08d}.shard" / "00000000.snapshot").write_bytes(framed(*records))
    (folder / "snapshot.metadata").write_bytes(metadata(enums=(9, 21), elements=4))
    file = t2n.open(tmp_path / "x")
    assert file["row_splits"][:].tolist() == [0, 2, 3, 5, 7]
    assert file["values/row_splits"][:].tolist() == [0, 1, 3, 6, 6, 6, 6, 7]
    assert file["values/values"][:].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert file["values/values"][2:5].tolist() == [3, 4, 5]


def test_copies(tmp_path):
    file = t2n.open(GOLDEN / "save/plain_none")
    with pytest.raises(t2n.Tf2NumpyError) as caught:
        t2n.to_numpy(file["z"], copy=False)
    assert str(caught.value) == (
        "copy=False allows only a view, and its elements lie in records of a file; pass copy=None or copy=True"
    )
    out = np.empty(7, np.int64)
    assert t2n.to_numpy(file["z"], out=out) is out
    assert out.tolist() == list(range(7))
    assert t2n.to_numpy(file["z"], dtype=np.float32).dtype == np.float32
    t2n.save(file, tmp_path / "x.zarr")
    saved = t2n.open(tmp_path / "x.zarr")
    for column, array in expected("save/plain_none").items():
        assert_same(np.asarray(saved[column]), array)


def test_without_elements(tmp_path, tf):
    signature = {
        "dense": tf.TensorSpec([2], tf.int32),
        "varying": tf.TensorSpec([None, 2], tf.string),
        "ragged": tf.RaggedTensorSpec([None, None], tf.float32),
        "sparse": tf.SparseTensorSpec([4], tf.int64),
    }
    dataset = tf.data.Dataset.from_generator(lambda: iter(()), output_signature=signature)
    dataset.save(str(tmp_path / "x"))
    wanted = t2n.to_numpy(dataset)
    file = t2n.open(tmp_path / "x")
    assert sorted(file) == [
        "dense",
        "ragged/row_splits",
        "ragged/values/row_splits",
        "ragged/values/values",
        "sparse/indices",
        "sparse/shape",
        "sparse/values",
        "varying/row_splits",
        "varying/values",
    ]
    assert_same(np.asarray(file["dense"]), wanted["dense"])
    assert_same(np.asarray(file["varying/values"]), wanted["varying"].flat_values)
    assert_same(np.asarray(file["ragged/values/row_splits"]), wanted["ragged"].nested_row_splits[1])
    assert_same(np.asarray(file["sparse/indices"]), wanted["sparse"].indices)
    assert np.asarray(file["sparse/shape"]).tolist() == [0, 4]


@settings(max_examples=25)
@given(data=st.data())
def test_what_tensorflow_saves(tf, tmp_path_factory, data):
    """Any columns, saved by TensorFlow, are what TensorFlow gives of the dataset itself."""
    rows = data.draw(st.integers(1, 6))
    shape = data.draw(st.lists(st.integers(0, 3), max_size=2))
    texts = data.draw(st.lists(st.binary(max_size=9), min_size=rows, max_size=rows))
    lists = data.draw(st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=rows, max_size=rows))
    columns = {
        "a": tf.constant(np.random.default_rng(0).integers(0, 99, (rows, *shape))),
        "b": tf.constant(texts),
        "c": tf.ragged.constant(lists, tf.int32),
    }
    chosen = {name: columns[name] for name in data.draw(st.sets(st.sampled_from(sorted(columns)), min_size=1))}
    dataset = tf.data.Dataset.from_tensor_slices(chosen)
    compression = data.draw(st.sampled_from([None, "GZIP", "SNAPPY"]))
    path = tmp_path_factory.mktemp("saved") / "x"
    dataset.save(str(path), compression=compression)
    file, wanted = t2n.open(path), t2n.to_numpy(dataset)
    for name, value in wanted.items():
        if name == "c":
            assert_same(np.asarray(file["c/row_splits"]), value.row_splits.astype(np.int64))
            assert_same(np.asarray(file["c/values"]), value.values)
        else:
            assert_same(np.asarray(file[name]), value)
