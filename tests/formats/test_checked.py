"""Arrays beside their checksums: what is compared, when, and what it says; what is a view, and what a copy."""

import numpy as np
import pytest

import tf2numpy as t2n
from tables import BundleFiles, strings
from tf2numpy._types import Request
from tf2numpy.formats import _checked

VALUES = np.arange(24, dtype=np.int32).reshape(8, 3)


def damaged(tmp_path, array=VALUES, at=-1, **how):
    """Write a checkpoint with one tensor `x` whose byte at an offset is another than it was."""
    files = BundleFiles(**how).add("x", array)
    files.data[0][at] ^= 1
    return files.write(tmp_path)


def refused(path, do):
    with t2n.open(path) as file, pytest.raises(t2n.ChecksumError) as caught:
        do(file)
    return str(caught.value)


WAYS = {
    "to_numpy": lambda file: t2n.to_numpy(file["x"]),
    "asarray": lambda file: np.asarray(file["x"]),
    "cast": lambda file: t2n.to_numpy(file["x"], dtype="f8"),
    "view": lambda file: t2n.to_numpy(file["x"], copy=False),
    "fill": lambda file: t2n.to_numpy(file["x"], out=np.empty((8, 3), np.int32)),
    "fill columns": lambda file: t2n.to_numpy(file["x"], out=np.empty((8, 3), np.int32, order="F")),
    "index": lambda file: file["x"][...],
    "index rows": lambda file: file["x"][:],
    "pieces": lambda file: list(t2n.iter_chunks(file["x"], max_bytes=50)),
}


@pytest.mark.parametrize("way", WAYS)
def test_damage_is_noticed_in_whatever_is_read_whole(tmp_path, way):
    path = damaged(tmp_path)
    assert refused(path, WAYS[way]).startswith(f"'{path}.data-00000-of-00001': the tensor 'x', bytes 0 to 96, has the ")


def test_damage_is_noticed_while_it_is_saved(tmp_path):
    path = damaged(tmp_path)
    refused(path, lambda file: t2n.save(file, tmp_path / "y.npz", max_bytes=64))
    assert not (tmp_path / "y.npz").exists()


@pytest.mark.parametrize("way", WAYS)
def test_without_checks_it_is_read_as_it_is(tmp_path, way):
    with t2n.open(damaged(tmp_path), check=False) as file:
        WAYS[way](file)
        assert file["x"][7, 2] == 23 ^ 1 << 24


def test_what_it_says(tmp_path):
    path = damaged(tmp_path, at=0, gap=5)
    with t2n.open(path) as file:
        assert file["x"][0, 0] == 0  # the byte before the tensor was hit
    path = damaged(tmp_path, at=5, gap=5)
    assert refused(path, WAYS["to_numpy"]) == (
        f"'{path}.data-00000-of-00001': the tensor 'x', bytes 5 to 101, has the checksum b6d2a2f9, and 2d031bf7 is "
        "recorded; the file is damaged, or of another checkpoint; check=False reads it as it is"
    )


def test_single_slices_are_not_compared(tmp_path):
    with t2n.open(damaged(tmp_path, at=0)) as file:
        assert file["x"][0].tolist() == [1, 1, 2]
        assert file["x"][5:, 1:].tolist() == VALUES[5:, 1:].tolist()
        assert file["x"][:, 0].tolist() == [1, *VALUES[1:, 0]]


def row(number):
    return (slice(number, number + 1),)


@pytest.mark.parametrize("first", [0, 1, 4])
def test_pieces_from_the_first_half_on_make_up_for_the_rest(tmp_path, first):
    with t2n.open(damaged(tmp_path, at=0)) as file:
        source = file["x"].source
        for number in range(first, 7):
            source.read(row(number))
        with pytest.raises(t2n.ChecksumError):
            source.read(row(7))


def test_pieces_of_less_than_half_are_let_be(tmp_path):
    with t2n.open(damaged(tmp_path, at=0)) as file:
        source = file["x"].source
        for number in (5, 6, 7):
            source.read(row(number))
        for number in (0, 1, 2, 3, 5, 6, 7):  # one is missing
            source.read(row(number))


def test_what_is_whole_is_compared_and_found_right(tmp_path, monkeypatch):
    compared = []
    monkeypatch.setattr(_checked.Stretch, "compare", lambda self, found: compared.append(found == self.crc))
    with t2n.open(BundleFiles().add("x", VALUES).write(tmp_path)) as file:
        source = file["x"].source
        for number in (*range(3, 8), *range(8), 2, 3, 4, *range(8)):
            source.read(row(number))
        assert compared == [True] * 3
        for way in WAYS.values():
            way(file)
        assert compared == [True] * 12


def test_views_and_copies(tmp_path):
    files = BundleFiles().add("whole", VALUES).add("odd", np.zeros(1, np.int8)).add("unaligned", VALUES)
    path = files.write(tmp_path)
    for check in (True, False):
        with t2n.open(path, check=check) as file:
            for name in ("whole", "unaligned"):
                view = t2n.to_numpy(file[name], copy=False)
                assert view.tolist() == VALUES.tolist()
                assert not view.flags.writeable
                assert not view.flags.owndata
                copy = t2n.to_numpy(file[name], copy=None)
                assert copy.flags.aligned
                assert copy.flags.writeable == (name == "unaligned")
                assert file[name][1:3].flags.aligned
            assert not t2n.to_numpy(file["unaligned"], copy=False).flags.aligned
            sources = [file[name].source for name in ("whole", "unaligned")]
            assert [one.host_bytes(Request(copy=None)) for one in sources] == [0, 96]
            assert [one.host_bytes(Request(copy=False)) for one in sources] == [0, 0]
            assert [one.host_bytes(Request()) for one in sources] == [96, 96]
            assert [one.host_bytes(Request(dtype=np.dtype("f8"), copy=None)) for one in sources] == [192, 192]


def test_no_views_of_what_lies_the_other_way_round(tmp_path):
    with t2n.open(BundleFiles(big_endian=True).add("x", VALUES).write(tmp_path)) as file:
        with pytest.raises(t2n.CopyRequired) as caught:
            t2n.to_numpy(file["x"], copy=False)
        assert str(caught.value) == (
            "copy=False allows only a view, and its bytes lie the other way round in the file; pass copy=None or "
            "copy=True"
        )
        with pytest.raises(t2n.CopyRequired) as caught:
            t2n.to_numpy(file["x"], copy=False, dtype="f8")
        assert t2n.to_numpy(file["x"], copy=None).flags.owndata
        assert file["x"].source.host_bytes(Request(copy=None)) == 96
        assert file["x"][2:4, 1].tolist() == VALUES[2:4, 1].tolist()


def test_large_arrays_are_copied_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(_checked, "_WORTH_THREADS_BYTES", 1000)
    monkeypatch.setattr(_checked, "_BLOCK_BYTES", 1 << 10)
    monkeypatch.setattr(_checked, "cpus", lambda: 3)
    array = np.random.default_rng(0).random((1001, 13))
    path = BundleFiles().add("x", array).write(tmp_path)
    with t2n.open(path) as file:
        assert np.array_equal(t2n.to_numpy(file["x"]), array)
    for at in (0, 50_000, -1):
        refused(damaged(tmp_path, array, at=at), lambda file: t2n.to_numpy(file["x"]))


def test_arrays_of_a_file_are_copied_side_by_side(tmp_path):
    rng = np.random.default_rng(0)
    files = BundleFiles()
    arrays = {f"x{n}": rng.random((1 << 10, 1 << 10)) for n in range(6)}
    for name, array in arrays.items():
        files.add(name, array)
    path = files.write(tmp_path)
    with t2n.open(path) as file:
        for name, found in t2n.to_numpy(file).items():
            assert np.array_equal(found, arrays[name])
    files.data[0][-1] ^= 1
    message = refused(files.write(tmp_path), lambda file: t2n.to_numpy(file))
    assert message.startswith(f"at x['x5']: '{path}.data-00000-of-00001': the tensor 'x5'")


def test_of_many_arrays_only_those_are_copied_that_must_be(tmp_path):
    array = np.random.default_rng(0).random((1 << 10, 1 << 10))
    files = BundleFiles().add("a", array).add("odd", np.zeros(1, np.int8))
    for number in range(5):
        files.add(f"x{number}", array)
    with t2n.open(files.write(tmp_path)) as file:
        found = t2n.to_numpy(file, copy=None)
        assert [found[name].flags.writeable for name in ("a", "x0", "x4")] == [False, True, True]
        assert all(np.array_equal(one, array) for name, one in found.items() if name != "odd")
        cast = t2n.to_numpy(file, dtype="f4")
        assert all(one.dtype == np.float32 and one.flags.writeable for one in cast.values())
        assert np.array_equal(cast["x3"], array.astype("f4"))


def test_large_pieces_are_written_in_small_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(_checked.Checked, "cached_bytes", 64)
    path = BundleFiles().add("x", VALUES).add_parts("y", VALUES, [((0, 3), (0, -1)), ((3, 5), (0, -1))]).write(tmp_path)
    seen = []
    with t2n.open(path) as file:
        read = _checked.Checked.read
        monkeypatch.setattr(
            _checked.Checked, "read", lambda self, i: (seen.append(self.spec.row_nbytes), read(self, i))[1]
        )
        t2n.save(file, tmp_path / "x.npz")
        assert len(seen) == 2 + 1 + 1
        seen.clear()
        list(t2n.iter_chunks(file["x"]))
        assert len(seen) == 1
    with t2n.open(tmp_path / "x.npz") as again:
        assert again["x"][...].tolist() == again["y"][...].tolist() == VALUES.tolist()


TEXTS = strings(b"one", b"", b"three" * 10, b"\0four", b"5", b"six").reshape(3, 2)


def test_damaged_strings(tmp_path):
    def message(do, at):
        return refused(damaged(tmp_path, TEXTS, at=at), do)

    content = f"'{tmp_path / 'ck'}.data-00000-of-00001': the tensor 'x', bytes 10 to 72, has the checksum "
    lengths = (
        f"the tensor 'x' of '{tmp_path / 'ck'}.data-00000-of-00001' cannot be read: the lengths of its strings have "
    )
    for do in (lambda file: t2n.to_numpy(file["x"]), lambda file: list(t2n.iter_chunks(file["x"], max_bytes=300))):
        assert message(do, -1).startswith(content)
        assert message(do, 10).startswith(content)
        assert message(do, 7).startswith(lengths)
    with t2n.open(damaged(tmp_path, TEXTS, at=-1)) as file:
        assert file["x"][1].tolist() == [b"three" * 10, b"\0four"]
        assert file["x"][:, 0].tolist() == TEXTS[:, 0].tolist()
    with t2n.open(damaged(tmp_path, TEXTS, at=-1), check=False) as file:
        assert t2n.to_numpy(file["x"]).tolist() == [*TEXTS[:2].tolist(), [b"5", b"siy"]]


def test_strings_are_never_views(tmp_path):
    files = BundleFiles().add("x", TEXTS).add_parts("y", TEXTS, [((0, 1), (0, -1)), ((1, 2), (0, -1))])
    with t2n.open(files.write(tmp_path)) as file:
        for name in ("x", "y"):
            with pytest.raises(t2n.CopyRequired) as caught:
                t2n.to_numpy(file[name], copy=False)
            assert str(caught.value) == (
                "copy=False allows only a view, and strings lie joined in the file; pass copy=None or copy=True"
            )
            assert t2n.to_numpy(file[name], dtype=str)[0, 0] == "one"
