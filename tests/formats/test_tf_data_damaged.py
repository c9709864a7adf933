"""Stored datasets that are unfinished, incomplete or damaged are refused in words that say where and what to do."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

import tf2numpy as t2n
from formats.test_tf_data import GOLDEN, metadata
from tf2numpy._errors import ChecksumError
from wire.test_protobuf import chunk, encoded
from wire.test_records import framed
from wire.test_tensor_proto import proto, shape_proto


def copied(name, tmp_path):
    folder = tmp_path / name.replace("/", "_")
    shutil.copytree(GOLDEN / name, folder)
    return folder


def shards(folder):
    return sorted(folder.rglob("*.snapshot"))


def refused(path, error=t2n.Tf2NumpyError, **options):
    with pytest.raises(error) as caught:
        read_all(path, **options)
    return str(caught.value)


def read_all(path, **options):
    with t2n.open(path, **options) as file:
        return {name: np.asarray(file[name]) for name in file}


def made(tmp_path, *contents, **told):
    """Write the save of a dataset of int64, one element a record."""
    folder = tmp_path / "made"
    shard = folder / "1" / "00000000.shard"
    shard.mkdir(parents=True)
    (folder / "dataset_spec.pb").write_bytes(chunk(33, chunk(2, b"") + encoded(3 << 3) + encoded(9)))
    (folder / "snapshot.metadata").write_bytes(metadata(**told))
    for i, content in enumerate(contents):
        (shard / f"{i:08d}.snapshot").write_bytes(content)
    return folder


def element(value, shape=(), enum=9):
    return proto(enum, shape, chunk(4, np.array(value).tobytes()))


def test_what_is_made_here_is_read(tmp_path):
    folder = made(tmp_path, framed(element(1)), framed(element(2)))
    assert np.asarray(t2n.open(folder)["data"]).tolist() == [1, 2]


def test_unfinished(tmp_path):
    folder = made(tmp_path, framed(element(1)), finalized=0)
    assert refused(folder) == (
        f"'{folder}/snapshot.metadata' cannot be read: it was not finished: save the dataset again; what is there may "
        "be incomplete"
    )


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"version": 3}, "it is of version 3, and 0 to 2 are known"),
        ({"run_id": "../x"}, "it names the run '../x', which is no name of a run"),
    ],
)
def test_metadata(tmp_path, told, message):
    folder = made(tmp_path, framed(element(1)), **told)
    assert refused(folder) == f"'{folder}/snapshot.metadata' cannot be read: {message}"


def test_missing_files(tmp_path):
    folder = made(tmp_path, framed(element(1)), framed(element(2)), run_id="7")
    assert refused(folder) == (f"'{folder}' has no folder '7', the run that snapshot.metadata names; copy it there")
    (folder / "1").rename(folder / "7")
    shard = folder / "7" / "00000000.shard"
    (shard / "00000000.snapshot").unlink()
    assert refused(folder) == (
        f"'{shard}' has '00000001.snapshot' and no '00000000.snapshot' before it; copy what is missing there"
    )
    (shard / "00000001.snapshot").rename(shard / "00000000.snapshot")
    assert refused(folder) == (
        f"'{folder}' is a saved dataset of 2 elements, and its 1 files have 1; files are missing, or of another run"
    )


def test_an_element_that_is_not_whole(tmp_path):
    folder = copied("save/plain_none", tmp_path)
    (file,) = shards(folder)
    data = file.read_bytes()
    file.write_bytes(data[: -(len(framed(element(6))))])
    assert refused(folder) == (
        f"'{file}' cannot be read: it has 27 records, and an element takes 4: its last element is not whole"
    )
    file.write_bytes(data[:-1])
    assert refused(folder).startswith(f"'{file}' cannot be read: the record 27 at offset ")


def test_another_structure(tmp_path):
    folder = copied("save/plain_none", tmp_path)
    shutil.copy(GOLDEN / "save/lone/dataset_spec.pb", folder)
    assert refused(folder) == (
        f"'{folder}/dataset_spec.pb' tells of 1 components, and snapshot.metadata of 4; they are of different datasets"
    )


def test_changed_shapes_and_dtypes(tmp_path):
    folder = made(tmp_path, framed(element(1), element([2, 3], (2,))))
    file = shards(folder)[0]
    assert refused(folder) == (
        f"'{file}' cannot be read: the record 1 at offset 30: it is of int64 (2,), and int64 () is recorded or came "
        "before"
    )
    folder = made(tmp_path / "other", framed(element(1), element(np.float64(2), enum=2)))
    assert "it is of float64 (), and int64 () is recorded or came before" in refused(folder)


def test_more_than_the_files_can_hold(tmp_path):
    folder = made(tmp_path, framed(), elements=1 << 40)
    assert refused(folder) == (
        f"'{folder}' is a saved dataset of 1099511627776 elements, and its 1 files have 0; files are missing, or of "
        "another run"
    )


def test_more_than_a_compressed_file_can_hold(tmp_path):
    folder = made(tmp_path, gzip.compress(framed(element(1))), elements=1 << 40)
    size = shards(folder)[0].stat().st_size
    assert refused(folder) == (
        f"the component '' of '{folder}' cannot be read: 1099511627776 elements of int64 () cannot be in the {size} "
        "bytes of its files"
    )


def test_rows_that_take_no_room(tmp_path):
    folder = made(tmp_path, framed(proto(9, (1 << 40, 0)), proto(9, (1, 0))))
    structure = chunk(33, chunk(2, shape_proto((-1, -1))) + encoded(3 << 3) + encoded(9))
    (folder / "dataset_spec.pb").write_bytes(structure)
    most = 10 * shards(folder)[0].stat().st_size + (64 << 20)
    assert refused(folder) == (
        f"the component '' of '{folder}' cannot be read: the elements declare rows whose bounds alone take more than "
        f"{most} bytes"
    )


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((-1, 3), "the elements have other shapes than (-1, 3), which is recorded"),
        ((-1,), "the elements have other shapes than (-1,), which is recorded"),
    ],
)
def test_other_shapes_than_recorded(tmp_path, shape, message):
    folder = made(tmp_path, framed(element([[1, 2]], (1, 2)), element([[1, 2]] * 2, (2, 2))))
    (folder / "dataset_spec.pb").write_bytes(chunk(33, chunk(2, shape_proto(shape)) + encoded(3 << 3) + encoded(9)))
    assert refused(folder) == f"the component '' of '{folder}' cannot be read: {message}"


def test_names_that_would_be_the_same(tmp_path):
    folder = made(tmp_path, framed(element(1), element(2)), enums=(9, 9), elements=1)
    leaf = chunk(33, chunk(2, b"") + encoded(3 << 3) + encoded(9))
    inner = chunk(53, chunk(1, chunk(1, b"b") + chunk(2, leaf)))
    fields = [chunk(1, chunk(1, b"a/b") + chunk(2, leaf)), chunk(1, chunk(1, b"a") + chunk(2, inner))]
    (folder / "dataset_spec.pb").write_bytes(chunk(53, b"".join(fields)))
    assert {name: array.tolist() for name, array in read_all(folder).items()} == {"a/b": [1], "a/b_1": [2]}


def test_checksums(tmp_path):
    folder = copied("save/plain_none", tmp_path)
    (file,) = shards(folder)
    data = bytearray(file.read_bytes())
    data[-10] ^= 1
    file.write_bytes(data)
    message = refused(folder, ChecksumError)
    assert message.startswith(f"'{file}' cannot be read: the record 27 at offset ")
    assert message.endswith("its data and the checksum after them do not fit; check=False reads it all the same")
    with t2n.open(folder, check=False) as file_:
        assert len(np.asarray(file_["z"])) == 7


def test_checksums_in_compressed_files(tmp_path):
    data = bytearray(framed(element(1), element(2)))
    data[-6] ^= 1
    folder = made(tmp_path, gzip.compress(data))
    (file,) = shards(folder)
    assert refused(folder, ChecksumError) == (
        f"'{file}' cannot be read: the record 1 at offset 30 is damaged: its data and the checksum after them do not "
        "fit; check=False reads it all the same"
    )
    assert read_all(folder, check=False)["data"][0] == 1


def test_compressed_files_that_end_early(tmp_path):
    pytest.importorskip("cramjam")
    folder = copied("save/plain_snappy", tmp_path)
    (file,) = shards(folder)
    (folder / "snapshot.metadata").write_bytes(
        (folder / "snapshot.metadata").read_bytes().replace(encoded(6 << 3) + b"\7", encoded(6 << 3) + b"\10")
    )
    assert refused(folder) == (
        f"'{file}' cannot be read: its records end before record 28, counted from 0; it was cut short"
    )


def test_a_distributed_save_that_is_not_done(tmp_path):
    folder = copied("distributed/none", tmp_path)
    (folder / "DONE").unlink()
    assert refused(folder) == (
        f"'{folder}' is a distributed save of a dataset that is not done: it has no file 'DONE'; wait, or save it again"
    )
    (folder / "ERROR").touch()
    assert refused(folder) == (
        f"'{folder}' is a distributed save of a dataset that failed, as its file 'ERROR' tells; save the dataset again"
    )
    (folder / "ERROR").unlink()
    (folder / "DONE").touch()
    (chunk_,) = (folder / "chunks").glob("*_0_0_*")
    chunk_.rename(folder / "chunks" / "chunk_0_0_9")
    assert refused(folder) == (
        f"'{folder}' is a distributed save of a dataset of 13 elements, and its 2 files have 7; files are missing, or "
        "of another run"
    )
    shutil.rmtree(folder / "chunks")
    assert refused(folder) == f"'{folder}' has no folder 'chunks', where its data should be; copy it there"


def test_snapshots_of_several_pipelines(tmp_path):
    pytest.importorskip("cramjam")
    folder = copied("snapshot/plain", tmp_path)
    (one,) = folder.iterdir()
    shutil.copytree(one, folder / "z")
    assert refused(folder) == (
        f"'{folder}' has the snapshots of 2 pipelines: '{one.name}', 'z'; open one of these folders"
    )
    assert sorted(t2n.open(one)) == ["0", "1", "2", "3"]


def test_other_runs_do_not_count(tmp_path):
    folder = copied("save/plain_none", tmp_path)
    shutil.copytree(shards(folder)[0].parent, folder / "123" / "00000000.shard")
    assert len(t2n.open(folder)["z"]) == 7


def test_what_only_tensorflow_can_use(tmp_path):
    other = chunk(1, b"tensorflow::Iterator") + chunk(2, b"state")
    folder = made(tmp_path, framed(proto(21, (), chunk(15, other))), enums=(21,), elements=1)
    with t2n.open(folder) as file:
        assert dict(file.left_out) == {"data": "variants (tensorflow::Iterator), which only TensorFlow can use"}
        assert list(file) == []


def cached(tmp_path):
    shutil.copytree(GOLDEN / "cache", tmp_path / "cache")
    return tmp_path / "cache" / "plain"


def test_a_cache_by_its_index(tmp_path):
    prefix = cached(tmp_path)
    assert sorted(read_all(f"{prefix}.index")) == ["0", "1", "2", "3"]
    assert t2n.open(prefix).kind == "dataset cache"


def test_a_cache_that_is_being_written(tmp_path):
    prefix = cached(tmp_path)
    Path(f"{prefix}_0.lockfile").touch()
    assert refused(prefix) == (
        f"'{prefix}.index' cannot be read: it is being written, or its writer was stopped: there is "
        "'plain_0.lockfile'; wait, or write it anew"
    )


def test_a_cache_without_its_data(tmp_path):
    prefix = cached(tmp_path)
    data = Path(f"{prefix}.data-00000-of-00001")
    damaged = bytearray(data.read_bytes())
    damaged[0] ^= 1
    data.write_bytes(damaged)
    message = refused(prefix, ChecksumError)
    assert message.startswith(
        f"'{prefix}.index' cannot be read: the element 0, at offset 0 of '{data}' cannot be read: it has the checksum "
    )
    assert message.endswith(" is recorded; check=False reads it all the same")
    assert len(t2n.open(prefix, check=False)["0"][...]) == 7
    data.unlink()
    assert "which is not there" in refused(prefix)


def test_folders_of_others(tmp_path):
    assert "is of no format that can be read" in refused(tmp_path)
    Path(tmp_path / "dataset_spec.pb").touch()
    assert "is of no format that can be read" in refused(tmp_path)
