"""`verify=True`: what the format's own library gives of the finished file is compared with what was read."""

import os
import re
import shutil

import numpy as np
import pytest

import tf2numpy as t2n
from tf2numpy import _resume, _save
from tf2numpy._checksum import checksum

LIBRARIES = {"zarr": "zarr", "safetensors": "safetensors", "h5": "h5py"}
FORMATS = ["npy", "npz", "h5", "zarr", "safetensors", "dir"]
WAYS = [
    *((format, None) for format in FORMATS),
    *(("npz", "gzip"), *((format, name) for format in ("h5", "zarr") for name in ("gzip", "zstd", "blosc"))),
]
LAST = "; the disk, the memory or one of the libraries is at fault, save it anew, or in another format"


def require(format, compression=None):
    pytest.importorskip(LIBRARIES.get(format, "numpy"))
    if compression not in (None, "gzip"):
        for module in ("numcodecs", "zstandard", "hdf5plugin"):
            pytest.importorskip(module)


@pytest.fixture(params=FORMATS)
def format(request):
    require(request.param)
    return request.param


@pytest.fixture
def path(format, tmp_path):
    return tmp_path / f"x.{format}"


def save(value, path, **options):
    format = path.suffix[1:]
    return t2n.save(value, path, format=format, **{"max_bytes": 4096, "verify": True, **options})


def library_of(format):
    return LIBRARIES.get(format, "numpy")


def find(path, content):
    """Give the file of an output that has these bytes, and where."""
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return next((file, place) for file in files if (place := file.read_bytes().find(content)) >= 0)


def flip(file, place, bit=16):
    with file.open("r+b") as stream:
        stream.seek(place)
        (byte,) = stream.read(1)
        stream.seek(place)
        stream.write(bytes([byte ^ bit]))


def before_the_check(monkeypatch, do):
    """Do something to each finished output before it is read back."""
    whole = _save.check_output

    def damaged(path, *rest):
        do(path)
        whole(path, *rest)

    monkeypatch.setattr(_save, "check_output", damaged)


def fails(value, path, **options):
    with pytest.raises(t2n.VerifyError) as caught:
        save(value, path, **options)
    assert type(caught.value) is t2n.VerifyError
    return str(caught.value)


def test_what_arrives_whole_passes(tf, path):
    value = tf.data.Dataset.range(2000).map(lambda i: tf.cast([i, i], tf.bfloat16))
    assert save(value, path) == path
    if path.suffix != ".npy":
        save({"a": np.arange(3000), "r": tf.ragged.range([3, 0, 5]), "n": 7}, path, overwrite=True)


@pytest.mark.parametrize("counts", [[1, 0], [3, 3]], ids=str)
def test_a_dataset_that_miscounts_its_rows_passes(tf, path, counts):
    value = tf.data.Dataset.range(4).batch(2).map(lambda rows: tf.repeat(rows, counts))
    with pytest.warns(UserWarning, match="the dataset said it had 4 rows and gave "):
        assert save(value, path) == path


def test_a_generator_of_batches_passes(path):
    batches = (np.full((n, 2), n, "f4") for n in (3, 1, 5))
    assert save(batches, path) == path


@pytest.mark.parametrize(
    "dtype",
    [
        *("S5", "<U3", ">U3", "<M8[s]", ">M8[25s]", "m8[ns]", ">m8[ns]", "M8", "V5", "longdouble", "clongdouble"),
        np.dtype([("a", "i4"), ("b", "f8")]),
        np.dtype([("a", "i1"), ("b", "f8"), ("c", [("d", "u1"), ("e", ">f4")])], align=True),
        np.dtype([("a", ">i4", (2,)), ("b", "S3")]),
        np.dtype([(("title", "a"), "i4")]),
        np.dtype([("bfloat16", "<u2")]),
    ],
    ids=str,
)
@pytest.mark.parametrize(("format", "compression"), WAYS)
def test_dtypes_that_only_numpy_has(tmp_path, format, compression, dtype):
    require(format, compression)
    dtype, path = np.dtype(dtype), tmp_path / f"x.{format}"
    bits = np.random.default_rng(0).integers(0, 256, (7, 3, dtype.itemsize), np.uint8)
    array = np.full((7, 3), "ab", dtype) if dtype.kind == "U" else bits.view(dtype)[..., 0]
    for value in (array, array[0, 0, ...], array[:0]):
        try:
            save(value, path, compression=compression, overwrite=True)
        except t2n.FormatError:  # what the format cannot hold; its own tests say why
            assert format in ("safetensors", "zarr", "h5")


@pytest.mark.parametrize(("format", "compression"), WAYS)
def test_one_bit_that_changed_on_the_way_to_the_disk(tmp_path, monkeypatch, format, compression):
    require(format, compression)
    path = tmp_path / f"x.{format}"
    value = np.random.default_rng(0).integers(0, 256, 10_000, np.uint8)
    save(value, path, compression=compression)
    sizes = {file: file.stat().st_size for file in [path, *path.rglob("*")] if file.is_file()}
    largest = max(sizes, key=sizes.__getitem__)
    place = find(path, value[5000:5004].tobytes())[1] if compression is None else sizes[largest] * 6 // 10
    before_the_check(monkeypatch, lambda path: flip(largest, place))
    message = fails(value, path, compression=compression, overwrite=True)
    library = library_of(format)
    start = f"{str(path)!r} does not give back what was written to it: by {library}, array 'data' "
    assert message.startswith(start)
    assert message.endswith(LAST)
    if compression is None and format != "npz":
        wrong = value[4096:8192].copy()
        wrong[5000 - 4096] ^= 16
        told = f"CRC-32 {checksum(wrong):08x}, written {checksum(value[4096:8192]):08x}"
        assert message == f"{start}differs in [4096:8192] ({told}){LAST}"
    else:
        assert re.match(r"differs in \[\d+:\d+\] \(CRC-32 |cannot be read \(\w+\(", message.removeprefix(start))


def test_a_dtype_that_changed(path, monkeypatch):
    """The same bytes under another dtype: no checksum of them would tell."""
    value = np.arange(6, dtype="<u2").view(t2n.to_numpy(np.zeros(1), dtype="bfloat16").dtype)
    other = {"npy": "float16", "h5": "uint16"}.get(path.suffix[1:], "uint16")

    def rewrite(path):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        t2n.save(value.view(other), path, format=path.suffix[1:])

    before_the_check(monkeypatch, rewrite)
    assert fails(value, path) == (
        f"{str(path)!r} does not give back what was written to it: by {library_of(path.suffix[1:])}, array 'data' is "
        f"{other} of shape (6,), and was written as bfloat16 of shape (6,){LAST}"
    )


def test_an_array_that_is_missing(path, monkeypatch):
    if path.suffix == ".npy":
        pytest.skip("one array per file")

    def rewrite(path):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        t2n.save({"a": np.arange(3)}, path, format=path.suffix[1:])

    before_the_check(monkeypatch, rewrite)
    message = fails({"a": np.arange(3), "b/c": np.arange(2)}, path)
    assert re.fullmatch(
        re.escape(f"{str(path)!r} does not give back what was written to it: by {library_of(path.suffix[1:])}, ")
        + r"array 'b/c' cannot be read \(\w*Error\(.*\)\)"
        + re.escape(LAST),
        message,
    )


def test_a_file_that_cannot_be_opened(path, monkeypatch):
    def cut(path):
        for file in [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]:
            os.truncate(file, 5)

    before_the_check(monkeypatch, cut)
    with pytest.raises(t2n.VerifyError) as caught:
        save(np.arange(3), path)
    assert str(caught.value).startswith(
        f"{str(path)!r} does not give back what was written to it: by {library_of(path.suffix[1:])}, array 'data' "
        "cannot be read ("
    )
    assert caught.value.__cause__ is not None


def test_the_whole_message_of_what_cannot_be_read(tmp_path, monkeypatch):
    path = tmp_path / "x.npy"
    before_the_check(monkeypatch, lambda path: path.unlink())
    assert fails(np.arange(3), path) == (
        f"{str(path)!r} does not give back what was written to it: by numpy, array 'data' cannot be read "
        f"(FileNotFoundError(2, 'No such file or directory')){LAST}"
    )


@pytest.mark.parametrize(("format", "compression"), WAYS)
def test_no_bit_makes_a_library_raise_through(tmp_path, monkeypatch, format, compression):
    """Whatever byte is damaged: either the arrays are still what was written, or it is a VerifyError."""
    require(format, compression)
    path, given, seen = tmp_path / f"x.{format}", [], set()
    whole = _save.check_output
    monkeypatch.setattr(_save, "check_output", lambda *args: given.extend(args))
    value = {"a": np.arange(40, dtype=">i2").reshape(8, 5), "b/c": np.linspace(0, 1, 9)}
    save(value["a"] if format == "npy" else value, path, max_bytes=100, compression=compression)
    whole(*given)
    for file in [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]:
        content = file.read_bytes()
        for place in range(0, len(content), max(1, len(content) // 80)):
            flip(file, place, 1 << place % 8)
            try:
                whole(*given)
            except t2n.VerifyError as error:
                seen.add(type(error))
            file.write_bytes(content)
    assert seen == {t2n.VerifyError}
    whole(*given)


def test_pieces_from_before_an_interruption_are_verified_too(path, monkeypatch):
    monkeypatch.setattr(_resume, "_MARK_EVERY_S", 0.0)
    value, seen = np.arange(10_000.0), []

    def stop(done, total):
        if done > 40_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(value, path, progress=stop)
    monkeypatch.setattr(_save, "check_output", lambda path, reference, specs, checksums: seen.extend(checksums))
    save(value, path, resume=True)
    bounds = [b for name, (b, *_), _ in seen]
    assert [start for start, _ in bounds] == [0, *[stop for _, stop in bounds[:-1]]]
    assert bounds[-1][1] == 10_000
    assert os.listdir(path.parent) == [path.name]
