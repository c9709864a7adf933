import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from sinks.zarr_folders import numbers, sink_at, written
from tf2numpy import _registry
from tf2numpy._errors import FormatError, InvalidArgument, MissingExtra
from tf2numpy._types import ArraySpec, Chunk
from tf2numpy.formats.zarr import zarr as reader

F4 = ArraySpec((2, 3), np.dtype("f4"))


def refusal(path, specs, error, **layout):
    with pytest.raises(error) as caught:
        sink_at(path / "a.zarr", **layout).begin(specs)
    assert os.listdir(path) == []
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "is empty or has an empty part"),
        ("/a", "is empty or has an empty part"),
        ("a//b", "is empty or has an empty part"),
        ("a/../b", "has '.' or '..' as a part"),
        (".", "has '.' or '..' as a part"),
        ("a\0", "has a NUL character"),
        ("__a", "has a part that begins with '__'"),
        ("a/__b", "has a part that begins with '__'"),
        ("zarr.json", "has 'zarr.json' as a part"),
        ("a\ud800", "is not valid Unicode"),
        ("é" * 128, "has a part of 256 bytes, more than 255"),
    ],
)
def test_names(tmp_path, name, problem):
    assert refusal(tmp_path, {name: F4}, FormatError) == (
        f"the name {name!r} {problem}, which Zarr cannot hold; rename the array"
    )


def test_a_name_that_is_longer_than_a_path_can_be(tmp_path):
    name = "/".join(["a" * 200] * 20)
    room = 4095 - len(os.fsencode(tmp_path / ".a.zarr.partial" / "output")) - 32 * 21
    assert refusal(tmp_path, {name: F4}, FormatError) == (
        f"the name {name!r} has 4019 bytes, more than {room}, which Zarr cannot hold; rename the array"
    )


def test_an_array_that_is_a_group(tmp_path):
    assert refusal(tmp_path, {"a/b/c": F4, "a/b": F4}, FormatError) == (
        "the names 'a/b' and 'a/b/c' cannot be in one Zarr group: 'a/b' would be both an array and the group of "
        "another; rename one of them"
    )


@pytest.mark.parametrize("dtype", ["V4", "M8", "S0", [("a", "i4")], *(["g"] if np.dtype("g").itemsize > 8 else [])])
def test_dtypes(tmp_path, dtype):
    spec = ArraySpec((2,), np.dtype(dtype))
    assert refusal(tmp_path, {"a": spec}, FormatError) == (
        f"array 'a' has dtype {spec.dtype}, which Zarr has no name for; cast it to one that it has"
    )


def test_chunks_for_no_array(tmp_path):
    specs = {"a": F4, "b": ArraySpec((), F4.dtype)}
    assert refusal(tmp_path, specs, InvalidArgument, chunks=(1,)) == (
        "chunks=(1,) is for arrays of 1 axes, and 'a' has 2, 'b' has 0; give one size for each axis, or leave chunks "
        "out"
    )


def test_chunks_too_large_for_blosc(tmp_path):
    assert refusal(tmp_path, {"a": F4}, InvalidArgument, chunks=(1 << 15, 1 << 14), compression="blosc") == (
        "chunks=(32768, 16384) of array 'a' have 2.0 GiB each, and blosc takes at most 2.0 GiB; choose smaller chunks"
    )


@pytest.mark.parametrize(("compression", "library"), [("zstd", "zstandard"), ("blosc", "numcodecs")])
def test_a_library_that_is_missing(tmp_path, monkeypatch, compression, library):
    written(tmp_path / "there.zarr", numbers(3), compression=compression)
    monkeypatch.setitem(sys.modules, library, None)

    def absent(module):
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    monkeypatch.setattr(_registry.importlib, "import_module", absent)
    with pytest.raises(MissingExtra) as caught:
        sink_at(tmp_path / "a.zarr", compression=compression).begin({"x": F4})
    assert str(caught.value) == (
        f"writing .zarr with compression={compression!r} needs {library}, which is not installed; "
        "pip install 'tf2numpy[compression]'"
    )
    with pytest.raises(MissingExtra) as caught:
        reader(tmp_path / "there.zarr", b"").arrays["x"]
    assert str(caught.value) == (
        f"reading the array 'x' of {str(tmp_path / 'there.zarr')!r} needs {library}, which is not installed; "
        "pip install 'tf2numpy[compression]'"
    )


@pytest.mark.parametrize(
    ("element", "found", "instead"),
    [
        ("é", "str", "encode text first, element.encode()"),
        (10**30, "int", "give numbers a dtype of numbers, np.asarray(x, 'float64')"),
        (None, "NoneType", "give bytes in its place, or leave this array out"),
    ],
)
def test_elements_that_are_not_bytes(tmp_path, element, found, instead):
    array = np.array([[b"a", b"b"], [b"c", element]], object)
    sink = sink_at(tmp_path / "a.zarr")
    sink.begin({"x": ArraySpec((None, 2), array.dtype)})
    sink.write(Chunk("x", (slice(0, 1),), array[:1]))
    with pytest.raises(FormatError) as caught:
        sink.write(Chunk("x", (slice(1, 2),), array[1:]))
    assert str(caught.value) == (
        f"array 'x': the element at [1, 1] is {found}, and only bytes can be written; {instead}"
    )
    sink.abort()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("compression", ["None", "'zstd'"])
def test_disk_full_in_the_middle(tmp_path, compression):
    program = f"""
        import resource, sys
        from pathlib import Path
        import numpy as np
        from tf2numpy._types import ArraySpec, Chunk, Layout
        from tf2numpy._errors import StorageFull
        from tf2numpy._workspace import Workspace
        from tf2numpy.sinks.zarr import ZarrSink
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        sink = ZarrSink(Workspace(Path(sys.argv[1]), overwrite=False), Layout({compression}, (2 << 20,)))
        sink.begin({{"x": ArraySpec((None,), np.dtype("u1"))}})
        try:
            for start in range(0, 2 << 20, 300_000):
                sink.write(Chunk("x", (slice(start, start + 300_000),), np.zeros(300_000, "u1")))
        except StorageFull as error:
            print(error, end="")
        sink.abort()
    """
    path = tmp_path / "x.zarr"
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), path], capture_output=True, text=True, check=True
    )
    done = "after 878.9 KiB (900000 bytes)" if compression != "None" else "after 0 B (0 bytes)"
    assert run.stdout == (
        f"no room to write {str(path)!r} (File too large) {done}; free some room, or choose a path on another file "
        "system"
    )
    assert list(tmp_path.iterdir()) == []
