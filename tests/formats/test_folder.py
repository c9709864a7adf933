"""Folders of .npy files that are damaged, hostile, or not ours."""

import json
import os

import numpy as np
import pytest

from tf2numpy._errors import FormatError
from tf2numpy.formats.folder import folder

FORMAT = "tf2numpy folder of .npy files"


def make(tmp_path, files, /, **changes):
    root = tmp_path / "out"
    root.mkdir()
    content = {"format": FORMAT, "version": 1, "arrays": files, **changes}
    (root / "arrays.json").write_text(json.dumps(content))
    np.save(root / "x.npy", np.arange(3))
    np.save(tmp_path / "outside.npy", np.arange(3))
    return root


def refused(root):
    with pytest.raises(FormatError) as caught:
        folder(root, b"")
    return str(caught.value)


@pytest.mark.parametrize(
    "file",
    [
        "../outside.npy",
        "/etc/passwd",
        "/x.npy",
        "a/../../outside.npy",
        "a//x.npy",
        "./x.npy",
        "",
        ".npy/",
        "x",
        "x.npy\0",
        "\0.npy",
    ],
)
def test_paths_that_lead_out(tmp_path, file):
    root = make(tmp_path, {"x": file})
    assert refused(root) == (
        f"{str(root / 'arrays.json')!r} does not tell the arrays of its folder: the array 'x' has the file {file!r}, "
        "which is no path to a .npy file below the folder"
    )


def test_links_that_lead_out(tmp_path):
    root = make(tmp_path, {"x": "link.npy"})
    (root / "link.npy").symlink_to(tmp_path / "outside.npy")
    message = "is a link out of its folder, which is not followed; copy the file to where it is"
    assert refused(root) == f"{str(root / 'link.npy')!r}, the array 'x', {message}"
    (tmp_path / "dir").mkdir()
    np.save(tmp_path / "dir" / "x.npy", np.arange(3))
    (root / "sub").symlink_to(tmp_path / "dir")
    (root / "arrays.json").write_text(json.dumps({"format": FORMAT, "version": 1, "arrays": {"x": "sub/x.npy"}}))
    assert refused(root) == f"{str(root / 'sub' / 'x.npy')!r}, the array 'x', {message}"
    (root / "arrays.json").write_text(json.dumps({"format": FORMAT, "version": 1, "arrays": {"x": "inner.npy"}}))
    (root / "inner.npy").symlink_to(root / "x.npy")
    assert folder(root, b"").arrays["x"].read(()).tolist() == [0, 1, 2]


def test_a_folder_reached_by_a_link(tmp_path):
    make(tmp_path, {"x": "x.npy"})
    (tmp_path / "link").symlink_to(tmp_path / "out")
    assert folder(tmp_path / "link", b"").arrays["x"].read(()).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "Expecting value: line 1 column 1 (char 0)"),
        (b"[1]", "it is a list instead of an object"),
        (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (b"[" * 200_000, "it is nested too deeply"),
        (b'{"a":1,"a":2}', "the name 'a' comes twice"),
        (b'{"a":' + b"1" * 5000 + b"}", "Exceeds the limit"),
    ],
    ids=["empty", "list", "bytes", "deep", "twice", "digits"],
)
def test_lists_that_are_no_json(tmp_path, text, message):
    root = make(tmp_path, {})
    (root / "arrays.json").write_bytes(text)
    assert refused(root).startswith(f"{str(root / 'arrays.json')!r} does not tell the arrays of its folder: {message}")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "it is of version 2, and 1 is known; upgrade tf2numpy"),
        ({"arrays": ["x.npy"]}, "'arrays' in it must be files by name"),
        ({"arrays": {"x": 1}}, "'arrays' in it must be files by name"),
        ({"arrays": {"x": "x.npy", "y": "x.npy"}}, "the arrays 'x' and 'y' have one file, 'x.npy'"),
    ],
)
def test_lists_that_are_not_what_they_should_be(tmp_path, changes, message):
    root = make(tmp_path, {}, **changes)
    assert refused(root) == f"{str(root / 'arrays.json')!r} does not tell the arrays of its folder: {message}"


def test_a_list_of_unreasonable_length(tmp_path):
    root = make(tmp_path, {})
    os.truncate(root / "arrays.json", (1 << 28) + 1)
    assert refused(root) == f"{str(root / 'arrays.json')!r} has 268435457 bytes; 268435456 are the most that is read"


def test_folders_of_others(tmp_path):
    assert folder(make(tmp_path, {}, format="something else"), b"") is None
    assert folder(tmp_path / "out" / "x.npy", b"\x93NUMPY") is None
    assert folder(tmp_path / "missing", b"") is None


def test_a_file_that_is_missing(tmp_path):
    root = make(tmp_path, {"x": "gone.npy"})
    assert refused(root) == (
        f"{str(root / 'gone.npy')!r}, the array 'x', is missing; restore it, or remove its line from arrays.json"
    )


def header(text, version=b"\1\0"):
    width = 2 if version == b"\1\0" else 4
    return b"\x93NUMPY" + version + len(text).to_bytes(width, "little") + text


def shaped(shape, descr="'<i8'"):
    return header(b"{'descr': %s, 'fortran_order': False, 'shape': %s}\n" % (descr.encode(), shape.encode()))


DAMAGED = [
    (b"", "it is no .npy file, or its header is damaged: "),
    (b"\x93NUMPY", "it is no .npy file, or its header is damaged: "),
    (b"something else", "it is no .npy file, or its header is damaged: "),
    (header(b"{" * 3000), "it is no .npy file, or its header is damaged: "),
    (header(b"(" * 9000), "it is no .npy file, or its header is damaged: "),
    (header(b"x" * 60_000), "it is no .npy file, or its header is damaged: "),
    (shaped("('a',)"), "it is no .npy file, or its header is damaged: "),
    (shaped("(1,)", "'garbage'"), "it is no .npy file, or its header is damaged: "),
    (
        shaped("(1,)", "'|O'"),
        "it holds pickled objects, which are unsafe to load; save it again with a dtype of numbers",
    ),
    (shaped("(-1,)"), "its header has the shape (-1,); sizes must be whole numbers from 0 to 2**63 - 1"),
    (shaped("(True,)"), "its header has the shape (True,); sizes must be whole numbers from 0 to 2**63 - 1"),
    (shaped("(9223372036854775808,)"), "its header has the shape (9223372036854775808,); sizes must be"),
    (shaped("(4611686018427387904, 4611686018427387904)"), "it has 104 bytes, and its header tells of "),
    (
        shaped("(2,)") + bytes(15),
        "it has 81 bytes, and its header tells of 82: 66 of its own, then shape (2,) of int64",
    ),
    (
        shaped("(2,)") + bytes(17),
        "it has 83 bytes, and its header tells of 82: 66 of its own, then shape (2,) of int64",
    ),
    (shaped("(0, 4611686018427387904, 8)"), "its shape (0, 4611686018427387904, 8) is none that NumPy can have: "),
    (shaped(f"({'1, ' * 70})") + bytes(8), "its shape (1, 1, 1"),
    (
        b"\x93NUMPY\3\0\2\0\0\0{}",
        "it is no .npy file, or its header is damaged: its header does not have just 'descr', 'fortran_order' and "
        "'shape'",
    ),
    (
        b"\x93NUMPY\3\0\3\0\0\0{}",
        "it is no .npy file, or its header is damaged: its header would have 3 bytes, and 2 are there",
    ),
    (
        b"\x93NUMPY\3\0\x33\0\0\0{'descr': '<i8', 'fortran_order': 0, 'shape': (1,)}",
        "it is no .npy file, or its header is damaged: the order or the shape in its header is none",
    ),
    (header(b"{}", b"\x09\0"), "it is a .npy file of version (9, 0); 1.0, 2.0 and 3.0 are known here, np.load may do"),
]


@pytest.mark.parametrize(("content", "message"), DAMAGED, ids=[str(i) for i in range(len(DAMAGED))])
def test_damaged_arrays(tmp_path, content, message):
    root = make(tmp_path, {"a/b": "x.npy"})
    (root / "x.npy").write_bytes(content)
    assert refused(root).startswith(f"{str(root / 'x.npy')!r}, the array 'a/b', cannot be read: {message}")


def test_a_long_header_of_numpy_itself(tmp_path):
    root = make(tmp_path, {"x": "x.npy"})
    array = np.zeros(2, [(f"field {i}", "f4") for i in range(300)])
    np.save(root / "x.npy", array)
    assert folder(root, b"").arrays["x"].read(()).dtype == array.dtype


def test_arrays_in_fortran_order(tmp_path):
    root = make(tmp_path, {"x": "x.npy"})
    array = np.asfortranarray(np.arange(12).reshape(3, 4))
    np.save(root / "x.npy", array)
    found = folder(root, b"").arrays["x"].read((slice(1, 3),))
    assert found.tolist() == array[1:3].tolist()
    assert not found.flags.writeable
