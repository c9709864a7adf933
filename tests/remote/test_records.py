"""Tables of TFRecords in object stores and on a web server: by name, by pattern, as a folder, in every compression."""

from __future__ import annotations

import json

import numpy as np
import pytest

import tf2numpy as t2n
from formats.example_files import COMPRESS, GOLDEN, flat, row
from tf2numpy import cli
from wire.test_records import framed

from .outcomes import npy


@pytest.fixture
def shards(tmp_path):
    """Twelve files of each compression in turn, on the disk."""
    for number in range(12):
        rows = [row(n=[number * 10 + i], w=[b"w"] * (1 + i % 3)) for i in range(10)]
        compression = list(COMPRESS)[number % len(COMPRESS)]
        (tmp_path / f"train-{number}.tfrecord").write_bytes(COMPRESS[compression](framed(*rows)))
    return tmp_path


def same(remote, local):
    found, wanted = flat(remote), flat(local)
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("name", ["train-*.tfrecord", "train-1?.tfrecord", "train-[13].tfrecord", ""])
def test_files_of_a_bucket_as_on_the_disk(bucket, shards, name):
    bucket.put_folder(shards, "shards")
    local = t2n.open(shards / name)
    with t2n.open(bucket.url(f"shards/{name}".rstrip("/"))) as remote:
        assert remote.kind == local.kind == "TFRecords of tf.train.Example"
        same(remote, local)
        assert t2n.to_numpy(remote)["w"].to_list() == t2n.to_numpy(local)["w"].to_list()
        assert remote["n"][7:23].tolist() == local["n"][7:23].tolist()
        done = [chunk.value["n"] for chunk in t2n.iter_chunks(remote, max_bytes="64KiB")]
        assert np.concatenate(done).tolist() == local["n"][:].tolist()


@pytest.mark.parametrize("compression", ["none", "gzip", "zlib"])
@pytest.mark.parametrize("name", ["examples", "sequences"])
def test_what_tensorflow_wrote(s3, web, name, compression):
    path = GOLDEN / f"{name}-{compression}.tfrecord"
    for store in (s3, web):
        store.put(path.name, path.read_bytes())
        with t2n.open(store.url(path.name)) as remote:
            same(remote, t2n.open(path))


def test_only_the_wanted_records_are_fetched(s3):
    """An uncompressed file that was gone through once gives a slice by what lies there."""
    rows = [row(n=[i], image=[bytes(50_000)]) for i in range(200)]
    s3.put("large.tfrecord", framed(*rows))
    with t2n.open(s3.url("large.tfrecord")) as file:
        assert len(file["n"]) == 200
        s3.sent_bytes = 0
        assert file["n"][100:103].tolist() == [100, 101, 102]
        assert s3.sent_bytes < 5_000_000


@pytest.mark.parametrize("suffix", [".h5", ".parquet"])
def test_a_pattern_in_a_bucket_into_a_table(s3, shards, tmp_path, capsys, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    s3.put_folder(shards, "convert")
    path = tmp_path / f"x{suffix}"
    assert cli.main(["convert", s3.url("convert/train-*.tfrecord"), str(path), "--verify", "--quiet"]) == 0
    same(t2n.open(path), t2n.open(shards / "train-*.tfrecord"))


def test_commands(s3, shards, capsys):
    s3.put_folder(shards, "commands-of-records")
    url = s3.url("commands-of-records/train-*.tfrecord")
    assert cli.main(["inspect", url, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["records"], [one["name"] for one in found["features"]]) == (120, ["n", "w"])
    assert cli.main(["head", url, "-n", "1"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["record 0", "  n  0", "  w  b'w'"]
    assert cli.main(["verify", url, str(shards / "train-*.tfrecord")]) == 0


def test_a_pattern_that_fits_nothing_in_a_bucket(s3):
    with pytest.raises(FileNotFoundError) as caught:
        t2n.open(s3.url("nothing/train-*.tfrecord"))
    assert str(caught.value) == f"[Errno 2] there is no such object: '{s3.url('nothing/train-*.tfrecord')}'"


def test_a_pattern_that_fits_other_files_too(s3, shards):
    s3.put_folder(shards, "mixed")
    s3.put("mixed/train-x.npy", npy(np.zeros(3)))
    with pytest.raises(t2n.FormatError) as caught:
        t2n.open(s3.url("mixed/train-*"))
    assert str(caught.value) == (
        f"'{s3.url('mixed/train-x.npy')}', which '{s3.url('mixed/train-*')}' fits, is no TFRecord file; give a pattern "
        "that fits only such files"
    )


@pytest.mark.parametrize(("names", "what"), [(("0.npy",), "no TFRecord file"), (("0/x", "1"), "a folder")])
def test_a_pattern_that_fits_no_records_in_a_bucket(s3, names, what):
    for name in names:
        s3.put(f"others/{name}", npy(np.zeros(3)))
    with pytest.raises(t2n.FormatError) as caught:
        t2n.open(s3.url("others/*"))
    assert str(caught.value) == (
        f"'{s3.url('others')}/{names[0].partition('/')[0]}', which '{s3.url('others/*')}' fits, is {what}; a pattern "
        "means TFRecord files alone: open others by their own names"
    )


@pytest.mark.parametrize("name", ["train-*.tfrecord", "train-[01].tfrecord"])
def test_a_web_server_cannot_list(web, name):
    web.put("shards/train-0.tfrecord", framed(row(n=[1])))
    with pytest.raises(FileNotFoundError) as caught:
        t2n.open(web.url(f"shards/{name}"))
    assert str(caught.value) == (
        "[Errno 2] a pattern means the files that fit it, and this server cannot list its files: name one of them: "
        f"'{web.url(f'shards/{name}')}'"
    )
    assert t2n.to_numpy(t2n.open(web.url("shards/train-0.tfrecord")))["n"].tolist() == [1]


def test_a_file_that_is_replaced_while_it_is_open(s3):
    s3.put("replaced.tfrecord", framed(*(row(n=[i], image=[bytes(50_000)]) for i in range(200))))
    with t2n.open(s3.url("replaced.tfrecord")) as file:
        assert len(file["n"]) == 200
        s3.put("replaced.tfrecord", framed(*(row(n=[-i], image=[bytes(50_000)]) for i in range(200))))
        with pytest.raises(t2n.ChecksumError, match=r"replaced\.tfrecord"):
            file["n"][150:]


def test_a_damaged_record_is_named(web):
    data = bytearray(framed(*(row(n=[i]) for i in range(10))))
    data[-8] ^= 1
    web.put("x.tfrecord", bytes(data))
    with pytest.raises(t2n.ChecksumError, match=f"^'{web.url('x.tfrecord')}' .*record 9"):
        t2n.to_numpy(t2n.open(web.url("x.tfrecord")))
    file = t2n.open(web.url("x.tfrecord"), on_corrupt="skip")
    assert t2n.to_numpy(file)["n"].tolist() == list(range(9))
    assert len(file.left_out) == 1
