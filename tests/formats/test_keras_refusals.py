"""What is refused of Keras's files, and what the error says."""

import json
import zipfile

import pytest

import tf2numpy as t2n
from tf2numpy._units import format_bytes

from .keras_files import GOLDEN, archive, members, message

h5py = pytest.importorskip("h5py", reason="h5py is not installed in this environment")


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
