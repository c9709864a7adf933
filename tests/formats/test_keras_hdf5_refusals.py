"""HDF5 files of Keras's that are damaged, or lead elsewhere: refused, and by what they are."""

import numpy as np
import pytest

import tf2numpy as t2n
from tf2numpy._units import format_bytes

from .keras_files import GOLDEN, archive, members, message

h5py = pytest.importorskip("h5py")


def test_hdf5_of_another_layout(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["a"] = [1]
    path = archive(tmp_path / "x.keras", members() | {"model.weights.h5": (tmp_path / "x.h5").read_bytes()})
    assert message(path) == (
        f"{str(path) + '/model.weights.h5'!r} is an HDF5 file, and not of the layout that Keras gives its weights"
    )
    path = archive(tmp_path / "x.keras", members() | {"model.weights.h5": b"something"})
    assert message(path).startswith(f"{str(path) + '/model.weights.h5'!r} is an HDF5 file that cannot be opened: ")


def weights_file(path, fill):
    with h5py.File(path, "w") as file:
        file["layers/dense/vars/0"] = [1.0]
        fill(file)
    return path


def test_links(tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    path, shown = tmp_path / "x.weights.h5", repr(str(tmp_path / "x.weights.h5"))
    weights_file(path, lambda file: file.__setitem__("layers/dense/vars/1", h5py.SoftLink("/layers/dense/vars/0")))
    assert message(path) == (
        f"{shown}: 'layers/dense/vars/1' is a link to '/layers/dense/vars/0', and Keras writes no links; put what it "
        "leads to in its place, with h5copy"
    )
    elsewhere = (
        "and a file is not let lead to others; read that file itself, or copy what it holds into this one, with "
        "h5repack or h5copy"
    )
    weights_file(path, lambda file: file.__setitem__("layers/dense/vars/1", h5py.ExternalLink("secret", "/x")))
    assert message(path) == f"{shown}: 'layers/dense/vars/1' is a link to '/x' in the file 'secret', {elsewhere}"
    weights_file(path, lambda file: file.create_dataset("layers/dense/vars/1", (6,), "u1", external=[("secret", 0, 6)]))
    assert message(path) == f"{shown}: 'layers/dense/vars/1' keeps its elements in the file 'secret', {elsewhere}"
    layout = h5py.VirtualLayout((1,), "f4")
    layout[:] = h5py.VirtualSource("secret", "x", (1,))
    weights_file(path, lambda file: file.create_virtual_dataset("layers/dense/vars/1", layout))
    assert message(path) == f"{shown}: 'layers/dense/vars/1' is made of parts of 'secret', {elsewhere}"


@pytest.mark.parametrize("shape", [(1 << 40,), (1,)])
def test_far_more_elements_than_the_file_has(tmp_path, shape):
    """In the array, or in the one chunk of it that HDF5 would unpack whole."""
    path = tmp_path / "x.weights.h5"
    options = {"chunks": (1 << 26,), "maxshape": (None,), "compression": "gzip", "dtype": "f4"}
    weights_file(path, lambda file: file.create_dataset("layers/dense/vars/1", shape, **options))
    size = format_bytes(4 * max(shape[0], 1 << 26))
    assert message(path) == (
        f"{str(path)!r}: the dataset 'layers/dense/vars/1' would unpack to {size}, and the whole file has "
        f"{format_bytes(path.stat().st_size)}; 64.0 MiB are the most that are read; if the file is to be trusted, "
        "rewrite it without compression: h5repack -f NONE -l CONTI"
    )


def test_paths_that_are_too_long(tmp_path):
    path = tmp_path / "x.weights.h5"
    weights_file(path, lambda file: file.create_group("/".join(["a"] * 300)))
    found = message(path)
    assert found.startswith(
        f"{str(path)!r}: the path '{'a/' * 25}'... has 513 characters and 257 levels; 4096 and 256 are"
    )
    assert found.endswith("are the most that are read; move what it names to a shorter path with h5py")


def legacy_file(path, change):
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = ["dense"]
        file.create_group("dense").attrs["weight_names"] = ["dense/kernel:0"]
        file["dense/dense/kernel:0"] = np.zeros(2, "V2")
        change(file)
    return path


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            lambda file: file.pop("dense"),
            "'dense' is listed, and is no group of the file; it is damaged",
        ),
        (
            lambda file: file["dense/dense"].pop("kernel:0"),
            "'dense/dense/kernel:0' is in the list of weights, and is no dataset of the file; the file is damaged",
        ),
        (
            lambda file: file["dense"].attrs.pop("weight_names"),
            "the group 'dense' has no attribute 'weight_names' that is a list of names; the file is damaged",
        ),
        (
            lambda file: file["dense"].attrs.__setitem__("weight_names", 3),
            "the group 'dense' has no attribute 'weight_names' that is a list of names; the file is damaged",
        ),
        (
            lambda file: file.attrs.__setitem__("layer_names", ["dense", "dense"]),
            "the layer 'dense' is listed twice; the file is damaged",
        ),
        (
            lambda file: file.attrs.__setitem__("layer_names", ["../dense"]),
            "'../dense' is listed, and is no group of the file; it is damaged",
        ),
        (
            lambda file: file.__setitem__("other", h5py.SoftLink("/dense")),
            "'other' is a link to '/dense', and Keras writes no links; put what it leads to in its place, with h5copy",
        ),
    ],
)
def test_damaged_lists(tmp_path, change, why):
    path = legacy_file(tmp_path / "x.h5", change)
    assert message(path) == f"{str(path)!r}: {why}"


def test_a_damaged_configuration_of_an_old_model(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(GOLDEN / "legacy.h5") as before, h5py.File(path, "w") as after:
        before.copy("model_weights", after)
        after.attrs["model_config"] = "{"
    assert message(path) == (
        f"{str(path)!r}: its attribute 'model_config' cannot be read: Expecting property name enclosed in double "
        "quotes: line 1 column 2 (char 1)"
    )
    with h5py.File(path, "r+") as file:
        del file.attrs["model_config"]
    with t2n.open(path) as file:
        assert list(file.left_out) == ["inner/b/kernel"]


def test_texts_that_say_they_are_huge(tmp_path):
    """HDF5 would make room for as much as the file says, before it looks."""
    path = tmp_path / "x.weights.h5"
    weights_file(path, lambda file: file["layers/dense/vars"].attrs.__setitem__("name", "dense" * 25))
    data = path.read_bytes()
    at = data.index((125).to_bytes(4, "little"), data.index(b"name\0"))
    path.write_bytes(data[:at] + (1 << 30).to_bytes(4, "little") + data[at + 4 :])
    assert message(path) == (
        f"{str(path)!r}: the attribute 'name' of '/layers/dense/vars' is said to have 1.0 GiB, and the whole file has "
        f"{format_bytes(len(data))}; the file is damaged"
    )


@pytest.mark.parametrize(("at", "size"), [(0, 0), (0, 1 << 20), (-24, (1 << 64) - 1), (-24, (1 << 64) - 16)])
def test_heaps_without_an_end(tmp_path, at, size):
    """HDF5 goes from one object to the next by their sizes, and never ends if one is 0, alone or in sum."""
    path = tmp_path / "x.weights.h5"
    weights_file(path, lambda file: file["layers/dense/vars"].attrs.__setitem__("name", "dense"))
    data = bytearray(path.read_bytes())
    heap = data.index(b"GCOL")
    free = heap + 16 + 16 + 8
    assert data[free : free + 2] == b"\0\0"
    data[free + at + 8 : free + at + 16] = size.to_bytes(8, "little")
    path.write_bytes(data)
    used = size if at == 0 else 16 + -(-size // 8) * 8
    assert message(path) == (
        f"{str(path)!r}: the attribute 'name' of '/layers/dense/vars' cannot be read: the heap of texts at byte {heap} "
        f"has {4096 - 40 - at} bytes left at byte {free + at}, and {used} are used; the file is damaged"
    )


def test_attributes_out_of_the_header(tmp_path):
    path = tmp_path / "x.weights.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file["layers/dense/vars/0"] = [1.0]
        for number in range(20):
            file["layers/dense/vars"].attrs[f"a{number}"] = number
        file["layers/dense/vars"].attrs["name"] = "dense"
    assert message(path) == (
        f"{str(path)!r}: the attribute 'name' of '/layers/dense/vars' is stored in a way that is not read here; "
        "rewrite the file with h5repack, without --latest"
    )
    with h5py.File(path, "w", libver="latest") as file:
        file["layers/dense/vars/0"] = [1.0]
        file["layers/dense/vars"].attrs["name"] = "named"
    with t2n.open(path) as file:
        assert list(file) == ["named/0"]
