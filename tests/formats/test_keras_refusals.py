"""What is refused of Keras's files, and what the error says."""

import json
import zipfile

import numpy as np
import pytest

import tf2numpy as t2n
from tf2numpy._units import format_bytes

from .keras_files import GOLDEN, message

h5py = pytest.importorskip("h5py", reason="h5py is not installed in this environment")


def archive(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def members(name="whole.keras"):
    with zipfile.ZipFile(GOLDEN / name) as file:
        return {member.filename: file.read(member) for member in file.infolist()}


def test_pickles_are_never_read(tmp_path):
    why = (
        "has its weights in model.weights.npz, as pickled objects, which can run any program and are never unpickled; "
        "if you trust it, load it with the Keras that wrote it (metadata.json says which) and save it anew"
    )
    assert message(GOLDEN / "pickled.keras") == f"{str(GOLDEN / 'pickled.keras')!r} {why}"
    with zipfile.ZipFile(GOLDEN / "pickled.keras") as file:
        file.extractall(tmp_path)
    assert message(tmp_path) == f"{str(tmp_path)!r} {why}"


def test_archives_without_weights(tmp_path):
    path = archive(tmp_path / "x.keras", {"config.json": "{}", "metadata.json": "{}"})
    found = f"{str(path)!r} is a .keras archive without model.weights.h5: it holds config.json, metadata.json"
    assert message(path) == found
    other = path.rename(tmp_path / "x.zip")
    assert "is of no format that can be read" in message(other)


def test_damaged_archives(tmp_path):
    path = tmp_path / "x.keras"
    path.write_bytes((GOLDEN / "whole.keras").read_bytes()[:-30])
    assert message(path) == f"{str(path)!r} is a .keras archive that cannot be read: File is not a zip file"
    data = archive(path, {"config.json": "{}", "config.jsoN": "{}"}).read_bytes()
    path.write_bytes(data.replace(b"jsoN", b"json"))
    two = f"{str(path)!r} has two members 'config.json'; the archive is damaged"
    assert message(path) == f"{str(path)!r} is a .keras archive that cannot be read: {two}"


def test_a_member_that_is_not_where_it_should_be(tmp_path):
    path = tmp_path / "x.keras"
    data = (GOLDEN / "whole.keras").read_bytes()
    path.write_bytes(data.replace(b"PK\3\4", b"PK\0\0"))
    where = f"{str(path)!r} is a .keras archive"
    assert message(path).startswith((where, f"{str(path)!r} is of no format"))
    third = data.find(b"PK\3\4", data.find(b"PK\3\4", 4) + 4)
    path.write_bytes(data[:third] + b"PK\0\0" + data[third + 4 :])
    assert message(path) == f"{str(path) + '/model.weights.h5'!r} cannot be read: no member begins there"


def test_weights_that_grow_too_much(tmp_path):
    path = archive(tmp_path / "x.keras", members() | {"model.weights.h5": bytes(100 << 20)}, zipfile.ZIP_DEFLATED)
    assert message(path) == (
        f"{str(path) + '/model.weights.h5'!r} cannot be read: its 99.5 KiB would unpack to 100.0 MiB, and 64.0 MiB are "
        "the most that is unpacked in memory; if it is to be trusted, unpack the archive (unzip does), and open the "
        "folder"
    )


def test_members_packed_in_other_ways(tmp_path):
    path = archive(tmp_path / "x.keras", members(), zipfile.ZIP_LZMA)
    assert message(path) == (
        f"{str(path) + '/config.json'!r} cannot be read: it is compressed by method 14; 0 (not at all) and 8 (deflate) "
        "are known here, unpack the archive (unzip does), and open the folder"
    )


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ("[]", "it is a list instead of an object"),
        ("{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ('{"a": 1, "a": 2}', "the name 'a' comes twice"),
        ('{"a": ' + "[" * 5000 + "]" * 5000 + "}", "it has more than one object or list in 8 bytes"),
        ('{"a": ' + "[" * 5000 + " " * 80000 + "]" * 5000 + "}", "it is nested too deeply"),
    ],
)
def test_configurations_that_cannot_be_read(tmp_path, config, why):
    path = archive(tmp_path / "x.keras", members() | {"config.json": config})
    assert message(path) == (
        f"{str(path) + '/config.json'!r} does not tell what the layers are: {why}; open model.weights.h5 alone, out of "
        "the archive or the folder"
    )


def test_a_configuration_may_have_infinities(tmp_path):
    config = members()["config.json"].replace(b'"name": "net"', b'"name": "net", "most": Infinity', 1)
    assert b"Infinity" in config
    with t2n.open(archive(tmp_path / "x.keras", members() | {"config.json": config})) as file:
        assert "shared/kernel" in file


def test_a_configuration_that_is_too_long(tmp_path, monkeypatch):
    from tf2numpy.formats import _keras_config

    monkeypatch.setattr(_keras_config, "MOST_BYTES", 1 << 10)
    size = format_bytes(len(members()["config.json"]))
    assert message(GOLDEN / "whole.keras") == (
        f"{str(GOLDEN / 'whole.keras') + '/config.json'!r} does not tell what the layers are: it has {size}, and 1.0 "
        "KiB are the most that is read; open model.weights.h5 alone, out of the archive or the folder"
    )


def test_a_configuration_says_nothing_of_layers_it_is_not_for(tmp_path):
    """Nested as deep as JSON can be, of wrong types, of other modules: nothing is known, nothing fails."""
    bidirectional = {"module": "keras.layers", "class_name": "Bidirectional", "config": {"layer": None}}
    for _ in range(90):
        inner = {"layer": bidirectional, "backward_layer": bidirectional}
        bidirectional = {"module": "keras.layers", "class_name": "Bidirectional", "config": {"layer": inner["layer"]}}
    for layers in (
        [bidirectional],
        [1, None, {}, {"class_name": 3, "config": []}, {"class_name": "Dense", "config": {"name": 4}}],
        "layers",
        [{"module": "mine", "class_name": "Dense", "config": {"name": "shared", "use_bias": True}}],
        [{"module": "keras.layers", "class_name": "D" * 2000, "config": {}}],
    ):
        config = {"module": "keras", "class_name": "Functional", "config": {"layers": layers}}
        path = archive(tmp_path / "x.keras", members() | {"config.json": json.dumps(config)})
        with t2n.open(path) as file:
            assert {"shared/0", "inner/a/1", "norm/3"} <= set(file)


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


def sharded(folder, places, files=()):
    path = folder / "x.weights.json"
    path.write_text(json.dumps({"weight_map": places}))
    for number, keys in enumerate(files):
        with h5py.File(folder / f"x_{number}.weights.h5", "w") as file:
            for key in keys:
                file[f"layers/dense/vars/{key}"] = [1.0]
    return path


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a\\b", "C:x", "..", ".", "", "a\0b"])
def test_only_files_beside_the_map_are_read(tmp_path, name):
    path = sharded(tmp_path, {"/layers/dense/vars": ["x_0.weights.h5", name]}, [[0]])
    assert message(path) == (
        f"{str(path)!r}: the group '/layers/dense/vars' is said to be in {name!r}; only files beside the map are read, "
        "by their plain names"
    )


@pytest.mark.parametrize("files", [[], None, 3, [3], {"a": "b"}])
def test_maps_of_what_is_no_name(tmp_path, files):
    path = sharded(tmp_path, {"/layers/dense/vars": files})
    assert message(path) == (
        f"{str(path)!r}: the group '/layers/dense/vars' must have the name of a file, or a list of names"
    )


def test_maps_that_are_none(tmp_path):
    path = tmp_path / "x.weights.json"
    start = f"{str(path)!r} does not tell where the weights are: "
    path.write_text("{")
    assert message(path).startswith(f"{start}Expecting property name")
    path.write_text('{"weight_map": 3}')
    assert message(path) == f"{start}'weight_map' must be an object"
    other = path.rename(tmp_path / "model.safetensors.index.json")
    for text in ("{", '{"weight_map": 3}', '{"weight_map": {"a": "model.safetensors"}}'):
        other.write_text(text)
        assert "is of no format that can be read" in message(other)


def test_shards_that_do_not_belong_together(tmp_path):
    both = ["x_0.weights.h5", "x_1.weights.h5"]
    path = sharded(tmp_path, {"/layers/dense/vars": both}, [[0, 1], [1]])
    assert message(path) == (
        f"{str(path)!r}: both 'x_0.weights.h5' and 'x_1.weights.h5' have 'layers/dense/vars/1', and only one can "
        "count; the files do not belong together"
    )
    path = sharded(tmp_path, {"/layers/other/vars": both}, [[0], [1]])
    assert message(path) == (
        f"{str(path)!r}: none of 'x_0.weights.h5', 'x_1.weights.h5' has variables in 'layers/other/vars'; the files do "
        "not belong together"
    )
    (tmp_path / "x_1.weights.h5").unlink()
    missing = str(tmp_path / "x_1.weights.h5")
    assert message(path) == f"{missing!r}, a part of {str(path)!r}, is missing; put it beside the others"
    with h5py.File(missing, "w") as file:
        file["a"] = [1]
    assert message(path) == f"{missing!r}, a part of {str(path)!r}, is not laid out as Keras lays out weights"


def test_options_of_other_files(tmp_path):
    path = GOLDEN / "whole.keras"
    with pytest.raises(t2n.InvalidArgument) as caught:
        t2n.open(path, constants=True)
    assert str(caught.value) == (
        f"constants=True means nothing to the .keras archive {str(path)!r}: it takes names, slots; leave constants out"
    )
