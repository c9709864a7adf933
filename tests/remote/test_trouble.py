"""What goes wrong at a store while a file is open: it is said, nothing wrong is given, and never is the file blamed."""

from __future__ import annotations

import numpy as np
import pytest

import tf2numpy as t2n
from tf2numpy._blobs import blob_of
from tf2numpy._places import place_of

from .outcomes import npy
from .test_golden import GOLDEN


def test_ranges_no_more(web):
    _, url = large(web)
    with t2n.open(url) as file:
        web.ranges = False
        with pytest.raises(t2n.StoreError) as caught:
            file["data"][1 << 20]
    assert str(caught.value) == (
        f"'{url}': bytes 8388608 to 8454144 could not be read: the server sent the whole object"
    )


def large(web) -> tuple[np.ndarray, str]:
    array = np.random.default_rng(0).integers(0, 1 << 30, (3 << 20,), np.int64)
    web.put("x.npy", npy(array))
    return array, web.url("x.npy")


@pytest.mark.parametrize("stop", [10, 100_000, 3 << 20])
def test_a_connection_that_breaks_in_the_middle(web, stop):
    array, url = large(web)
    with t2n.open(url) as file:
        web.breaks_after = 1000
        with pytest.raises(t2n.StoreError) as caught:
            file["data"][(1 << 20) : (1 << 20) + stop]
        assert str(caught.value).startswith(f"'{url}': bytes ")
        assert str(caught.value).endswith(" could not be read: the connection broke off")
        web.reset()
        np.testing.assert_array_equal(file["data"][(1 << 20) : (1 << 20) + stop], array[(1 << 20) : (1 << 20) + stop])


def test_a_connection_that_breaks_is_gone_on_from(web):
    array, url = large(web)
    web.before = lambda name: setattr(web, "breaks_after", 3 << 20 if len(web.requests) % 2 else None)
    with t2n.open(url) as file:
        np.testing.assert_array_equal(t2n.to_numpy(file["data"]), array)


def test_other_bytes_than_were_asked_for(web):
    _, url = large(web)
    with t2n.open(url) as file:
        web.shifts = 1
        with pytest.raises(t2n.StoreError) as caught:
            file["data"][1 << 20]
    assert str(caught.value).endswith("could not be read: the server sent other bytes than were asked for")


@pytest.mark.parametrize("tag", ["strong", "weak", "none", "ignored"])
@pytest.mark.parametrize("size", [3 << 20, (3 << 20) + 1])
@pytest.mark.parametrize("stop", [10, 3 << 20])
def test_an_object_that_is_replaced(web, tag, size, stop):
    array, url = large(web)
    if tag == "weak":
        web.tag = lambda data: f'W/"{hash(data)}"'
    if tag == "none":
        web.tag = lambda data: None
    web.minds_conditions = tag != "ignored"
    with t2n.open(url) as file:
        np.testing.assert_array_equal(file["data"][-5:], array[-5:])
        web.put("x.npy", npy(np.zeros(size, np.int64)))
        if tag == "none" and size == array.size:
            return  # nothing tells
        with pytest.raises(t2n.ChecksumError) as caught:
            file["data"][(1 << 20) : (1 << 20) + stop]
    assert str(caught.value).startswith(f"'{url}': bytes ")
    assert str(caught.value).endswith(
        " could not be read: the object was replaced or removed while it was open; open it again"
    )


def test_an_object_that_is_removed(web):
    _, url = large(web)
    with t2n.open(url) as file:
        web.files.clear()
        with pytest.raises(t2n.ChecksumError, match="was replaced or removed while it was open"):
            file["data"][1 << 20]


def test_an_object_that_is_replaced_in_a_bucket(bucket):
    array = np.arange(1 << 18)
    bucket.put("replaced.npy", npy(array))
    with t2n.open(bucket.url("replaced.npy")) as file:
        assert file["data"][-1] == array[-1]
        bucket.put("replaced.npy", npy(array + 1))
        with pytest.raises(t2n.ChecksumError, match="was replaced or removed while it was open"):
            t2n.to_numpy(file["data"])


def test_listed_and_then_replaced(s3):
    for name in ("a.npy", "b.npy"):
        s3.put(f"listed/{name}", npy(np.arange(100)))
    folder = place_of(s3.url("listed"))
    assert sorted(one.name for one in folder.iterdir()) == ["a.npy", "b.npy"]
    s3.put("listed/a.npy", npy(np.arange(100) + 1))
    with pytest.raises(t2n.ChecksumError):
        blob_of(folder / "a.npy").read(0, 10)
    assert bytes(blob_of(folder / "b.npy").read(0, 6)) == b"\x93NUMPY"


def test_a_token_that_runs_out(web):
    _, url = large(web)
    with t2n.open(url) as file:
        web.status["x.npy"] = 403, b""
        with pytest.raises(
            t2n.StoreError, match=r"bytes \d+ to \d+ could not be read: the store refuses it \(403 Forb"
        ):
            file["data"][1 << 20]


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        (".h5", {}),
        (".h5", {"compression": "gzip"}),
        (".npz", {}),
        (".npz", {"compression": "gzip"}),
        (".safetensors", {}),
    ],
)
def test_no_reader_takes_trouble_for_damage(web, tmp_path, suffix, options):
    if suffix == ".h5":
        pytest.importorskip("h5py")
    path = t2n.save({name: np.arange(1 << 18) for name in "ab"}, tmp_path / f"x{suffix}", **options)
    assert_noticed(web, path, lambda file: np.asarray(file["b"]))


@pytest.mark.parametrize("name", ["keras/whole.keras", "keras/plain.weights.h5", "checkpoint/names_v1/model.ckpt-3"])
def test_no_reader_of_others_takes_trouble_for_damage(web, name):
    assert_noticed(web, GOLDEN / name, lambda file: [np.asarray(array) for array in file.values()])


def assert_noticed(web, path, read) -> None:
    """Let each request fail, one after the other: what fails is said, and never that the file is damaged."""

    def attempt() -> None:
        with t2n.open(web.url(path.name)) as file:
            read(file)

    web.put(path.name, path.read_bytes())
    attempt()
    requests, limit = len(web.requests), [0]
    web.before = lambda name: web.status.update({name: (503, b"")} if len(web.requests) > limit[0] else {})
    for limit[0] in range(requests):
        web.requests.clear()
        web.status.clear()
        with pytest.raises(t2n.StoreError, match=r"the store answered 503 Service Unavailable$"):
            attempt()
