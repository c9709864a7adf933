"""How little of a large file is asked for to read a little of it, and in how few requests; counted at the server."""

from __future__ import annotations

import numpy as np
import pytest

import tf2numpy as t2n
from tf2numpy import _remote_blob

LARGE_BYTES = 16 << 20


def arrays() -> dict[str, np.ndarray]:
    large = np.arange(LARGE_BYTES // 4, dtype=np.uint32).reshape(-1, 1024)
    return {"large": large, "other": large + 1, "small": np.arange(10.0)}


@pytest.fixture(params=[".npz", ".safetensors", ".h5"])
def served(request, web, tmp_path):
    """A file of two large arrays and a small one, on a web server."""
    if request.param == ".h5":
        pytest.importorskip("h5py")
    path = t2n.save(arrays(), tmp_path / f"x{request.param}")
    web.put(path.name, path.read_bytes())
    return web, web.url(path.name)


def test_a_small_array(served):
    web, url = served
    with t2n.open(url) as file:
        assert file["small"][...].tolist() == list(range(10))
    assert web.sent_bytes < 512 << 10
    assert len(web.requests) <= 8


def test_some_rows_of_a_large_array(served):
    web, url = served
    with t2n.open(url) as file:
        np.testing.assert_array_equal(file["other"][100:110], arrays()["other"][100:110])
    assert web.sent_bytes < 640 << 10


def test_a_large_array_is_fetched_once(served):
    web, url = served
    with t2n.open(url) as file:
        np.testing.assert_array_equal(t2n.to_numpy(file["large"]), arrays()["large"])
    assert LARGE_BYTES <= web.sent_bytes < LARGE_BYTES + (512 << 10)
    assert len(web.requests) <= 8 + LARGE_BYTES // _remote_blob._PART_BYTES


def test_into_a_file_in_pieces(served, tmp_path):
    web, url = served
    path = t2n.convert(url, tmp_path / "again.npz", max_bytes="8MiB")
    with np.load(path) as found:
        for name, array in arrays().items():
            np.testing.assert_array_equal(found[name], array)
    assert web.sent_bytes < 2 * LARGE_BYTES + (1 << 20)


@pytest.fixture
def checkpoint(web, tmp_path, tf):
    """A checkpoint of the same arrays, on a web server."""
    tf.train.Checkpoint(**{name: tf.Variable(array) for name, array in arrays().items()}).write(str(tmp_path / "ck"))
    for file in tmp_path.iterdir():
        web.put(file.name, file.read_bytes())
    return web.url("ck.index")


def test_a_checkpoint(web, checkpoint):
    with t2n.open(checkpoint) as file:
        assert file["small"][...].tolist() == list(range(10))
        assert web.sent_bytes < 256 << 10
        np.testing.assert_array_equal(t2n.to_numpy(file["large"]), arrays()["large"])
        assert web.sent_bytes < LARGE_BYTES + (512 << 10)
        web.reset()
        pieces = [chunk.value for chunk in t2n.iter_chunks(file["other"], max_bytes="3MiB")]
        np.testing.assert_array_equal(np.concatenate(pieces), arrays()["other"])
        assert web.sent_bytes < LARGE_BYTES + (512 << 10)


def test_what_is_fetched_of_a_damaged_checkpoint_is_noticed(web, checkpoint):
    name = next(name for name in web.files if ".data-" in name)
    data = bytearray(web.files[name])
    data[data.index(arrays()["large"][5].tobytes())] ^= 1
    web.put(name, bytes(data))
    with t2n.open(checkpoint) as file:
        with pytest.raises(t2n.ChecksumError, match=r"^'http://.*the tensor 'large/\.ATTRIBUTES/VARIABLE_VALUE'"):
            t2n.to_numpy(file["large"])
        with pytest.raises(t2n.ChecksumError):
            for _ in t2n.iter_chunks(file["large"], max_bytes="3MiB"):
                pass


def test_files_that_are_one_message_are_fetched_once(web, tf):
    data = tf.io.serialize_tensor(arrays()["large"].astype(np.float32)).numpy()
    web.put("tensor.pb", data)
    with t2n.open(web.url("tensor.pb")) as file:
        np.testing.assert_array_equal(file["data"][...], arrays()["large"].astype(np.float32))
    assert web.sent_bytes < len(data) + (128 << 10)


@pytest.mark.parametrize("begin", [b"\n\n\n", b"\n<svg>", b"\x80"])
def test_little_is_fetched_of_what_is_no_file_of_ours(web, begin):
    web.put("x", begin + b"\n some text" * (1 << 18))
    with pytest.raises(t2n.FormatError, match="is of no format that can be read"):
        t2n.open(web.url("x"))
    assert web.sent_bytes < 256 << 10


def test_small_pieces_one_after_the_other(web):
    data = np.random.default_rng(0).bytes(4 << 20)
    web.put("x", data)
    blob = _blob(web.url("x"))
    found = b"".join(bytes(blob.read(at, min(at + 5000, len(data)))) for at in range(0, len(data), 5000))
    assert found == data
    assert len(data) <= web.sent_bytes <= len(data) + (64 << 10)
    assert len(web.requests) <= 12  # further ahead each time


def test_small_pieces_here_and_there(web):
    data = np.random.default_rng(0).bytes(8 << 20)
    web.put("x", data)
    blob = _blob(web.url("x"))
    for start in np.random.default_rng(1).integers(0, len(data) - 4096, 50).tolist():
        assert bytes(blob.read(start, start + 4096)) == data[start : start + 4096]
    assert len(web.requests) <= 51
    assert web.sent_bytes <= 51 * 2 * (64 << 10)


def test_little_is_kept(web, monkeypatch):
    monkeypatch.setattr(_remote_blob, "_MOST_KEPT_BYTES", 256 << 10)
    data = np.random.default_rng(0).bytes(2 << 20)
    web.put("x", data)
    blob = _blob(web.url("x"))
    for _ in range(2):
        for at in range(0, len(data), 100_000):
            assert bytes(blob.read(at, at + 100)) == data[at : at + 100]
    assert blob._blocks._nbytes <= 256 << 10


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, (1 << 20) + 1, (9 << 20) + 5])
def test_any_size(web, size, whole):
    data = np.random.default_rng(size).bytes(size)
    web.put("x", data)
    blob = _blob(web.url("x"), whole=whole)
    assert blob.size == size
    assert bytes(blob.read(0, size)) == data
    target = np.zeros(max(0, size - 3), np.uint8)
    blob.read_into(size - target.size, target)
    assert target.tobytes() == data[size - target.size :]
    assert bytes(blob.read(size, size)) == b""
    with pytest.raises(t2n.FormatError, match=rf"^'{web.root}/x' ends at {size}, and bytes {size} to {size + 1} of it"):
        blob.read(size, size + 1)


def _blob(url: str, *, whole: bool = False):
    from tf2numpy._blobs import blob_of
    from tf2numpy._places import place_of

    return blob_of(place_of(url), whole=whole)
