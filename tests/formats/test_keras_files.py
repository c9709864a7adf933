"""Files that Keras wrote (3.15, and 2.13 for those called old) against the weights that its models had."""

import shutil
import zipfile

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.arrays import assert_same

from .keras_files import GOLDEN, assert_holds, expected

h5py = pytest.importorskip("h5py", reason="h5py is not installed in this environment")

MODEL = ("shared/kernel", "shared/bias", "inner/a/kernel", "inner/a/bias", "inner/b/kernel")
NORM = ("norm/gamma", "norm/beta", "norm/moving_mean", "norm/moving_variance")


def weights(name):
    return {path: array for path, array in expected(name).items() if path.startswith(("shared/", "inner/", "norm/"))}


def numbered(wanted):
    """Give the names that variables have where the configuration is not at hand."""
    ends = {"kernel": 0, "bias": 1, "gamma": 0, "beta": 1, "moving_mean": 2, "moving_variance": 3}
    return {f"{path.rpartition('/')[0]}/{ends[path.rpartition('/')[2]]}": array for path, array in wanted.items()}


def test_an_archive():
    wanted = weights("whole")
    assert tuple(wanted) == MODEL + NORM
    assert_holds(GOLDEN / "whole.keras", wanted)
    with t2n.open(GOLDEN / "whole.keras") as file:
        assert file.kind == ".keras archive"
        assert file["inner/b/kernel"].dtype.name == "bfloat16"
        assert file.aliases["inner/b/kernel"] == ("inner/b/0", "layers/sequential/layers/dense_1/vars/0")
        assert_same(file["layers/sequential/layers/dense_1/vars/0"][1:], wanted["inner/b/kernel"][1:])
        assert file.left_out == {}


def test_an_archive_is_read_in_place():
    path = GOLDEN / "whole.keras"
    with t2n.open(path) as file:
        view = t2n.to_numpy(file["shared/kernel"], copy=False)
        assert not view.flags.writeable
        assert file["shared/kernel"].source.device == f"file {path}/model.weights.h5"
    assert_same(view.copy(), weights("whole")["shared/kernel"])


def test_the_optimizer_of_an_archive():
    """Slots follow the variables of the model, two for each, in Keras's order."""
    wanted = expected("whole")
    slots = [name for name in wanted if name.startswith("adam/")]
    assert slots[:2] == ["adam/iteration", "adam/learning_rate"]
    names = {name: name if i < 2 else f"adam/{i}" for i, name in enumerate(slots)}
    assert_holds(
        GOLDEN / "whole.keras",
        weights("whole") | {names[name]: wanted[name] for name in slots},
        slots=True,
    )


def test_paths_as_names():
    with t2n.open(GOLDEN / "whole.keras", names="key") as file:
        assert list(file)[:2] == ["layers/dense/vars/0", "layers/dense/vars/1"]
        assert file.aliases["layers/dense/vars/0"] == ("shared/kernel", "shared/0")
        assert_same(file["shared/kernel"][...], weights("whole")["shared/kernel"])


def test_patterns():
    with t2n.open(GOLDEN / "whole.keras", select="*/kernel") as file:
        assert list(file) == ["shared/kernel", "inner/a/kernel", "inner/b/kernel"]


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_archive_packed_anew(tmp_path, compression):
    with zipfile.ZipFile(GOLDEN / "whole.keras") as before:
        with zipfile.ZipFile(tmp_path / "again.zip", "w", compression) as after:
            for member in reversed(before.infolist()):
                after.writestr(member.filename, before.read(member))
        before.extractall(tmp_path / "folder")
    assert_holds(tmp_path / "again.zip", weights("whole"))
    assert_holds(tmp_path / "folder", weights("whole"))
    assert t2n.open(tmp_path / "folder").kind == "folder of a Keras model"
    (tmp_path / "folder" / "metadata.json").unlink()
    assert_holds(tmp_path / "folder", weights("whole"))


def test_a_file_of_weights():
    wanted = numbered(weights("plain"))
    order = ["norm", "shared", "inner/a", "inner/b"]
    in_order = {f"{layer}/{i}": wanted[f"{layer}/{i}"] for layer in order for i in range(4) if f"{layer}/{i}" in wanted}
    assert_holds(GOLDEN / "plain.weights.h5", in_order)
    with t2n.open(GOLDEN / "plain.weights.h5") as file:
        assert file.kind == "Keras weights file"
        assert file.aliases["norm/0"] == ("layers/batch_normalization/vars/0",)


def test_a_file_of_weights_by_another_name(tmp_path):
    shutil.copy(GOLDEN / "plain.weights.h5", tmp_path / "x.bin")
    assert len(t2n.open(tmp_path / "x.bin", names="key")) == 9


def test_weights_in_several_files(tmp_path):
    """The last layer's variables lie in two of them, the name of the layer in another one."""
    wanted = {name.removeprefix("small/"): array for name, array in expected("sharded").items()}
    in_order = {name: array for name, array in numbered(wanted).items() if name.startswith("norm")}
    in_order |= {name: array for name, array in numbered(wanted).items() if name.startswith("d/")}
    assert len(in_order) == 6
    assert_holds(GOLDEN / "sharded.weights.json", in_order)
    assert t2n.open(GOLDEN / "sharded.weights.json").kind == "sharded Keras weights"
    for file in GOLDEN.glob("sharded_*"):
        shutil.copy(file, tmp_path)
    text = (GOLDEN / "sharded.weights.json").read_text()
    (tmp_path / "index.json").write_text(text.replace('"/layers', '"layers'))
    assert_holds(tmp_path / "index.json", in_order)
    (tmp_path / "model.weights.json").write_text(text)
    (tmp_path / "config.json").write_text("{}")
    assert_holds(tmp_path, in_order)


def test_an_old_whole_model():
    wanted = weights("whole")
    assert_holds(GOLDEN / "legacy.h5", wanted)
    with t2n.open(GOLDEN / "legacy.h5") as file:
        assert file.kind == "legacy Keras file"
        assert file.aliases["inner/b/kernel"] == ("model_weights/inner/inner/b/kernel",)
    assert_holds(GOLDEN / "legacy.h5", expected("whole"), slots=True)


def test_old_weights():
    wanted = weights("plain")
    untyped = wanted.pop("inner/b/kernel")
    assert untyped.dtype.name == "bfloat16"
    assert_holds(GOLDEN / "legacy_weights.h5", wanted)
    reason = (
        "the file does not say of which type its elements of 2 B are (Keras writes bfloat16 so); read it with h5py, "
        "and view it as the ml_dtypes type that the model had"
    )
    assert t2n.open(GOLDEN / "legacy_weights.h5").left_out == {"inner/b/kernel": reason}
    assert t2n.open(GOLDEN / "legacy_weights.h5", names="key").left_out == {"inner/inner/b/kernel": reason}


def test_names_with_the_numbers_of_outputs():
    """Keras 2 does not put the name of a nested model in front of those of its weights."""
    wanted = expected("old")
    model = {name: array for name, array in wanted.items() if not name.startswith(("SGD", "iteration"))}
    assert_holds(GOLDEN / "old.h5", model)
    assert_holds(GOLDEN / "old.h5", wanted, slots=True)
    with t2n.open(GOLDEN / "old.h5") as file:
        assert file.aliases["a/kernel"] == ("a/kernel:0", "model_weights/inner/a/kernel:0")


def test_an_archive_of_keras_2():
    """Layers lie under another name, and none has its own beside its variables."""
    wanted = {f"inner/{name}" if name[:2] in ("a/", "b/") else name: array for name, array in expected("old").items()}
    model = {name: wanted[name] for name in MODEL + NORM}
    assert_holds(GOLDEN / "old.keras", model)
    with t2n.open(GOLDEN / "old.keras", slots=True) as file:
        slots = [name for name in file if name not in model]
        assert slots[:4] == [f"metrics/{metric}/{i}" for metric in ("mean", "mean_metric_wrapper") for i in (0, 1)]
        assert slots[4:6] == ["optimizer/0", "optimizer/1"]
        assert_same(t2n.to_numpy(file["optimizer/0"]), wanted["iteration"])
        assert_same(t2n.to_numpy(file["optimizer/1"]), wanted["SGD/m/shared/kernel"])


def test_without_the_names_of_layers(tmp_path):
    """As Keras 3 wrote before 3.6; the configuration tells them all the same."""
    with zipfile.ZipFile(GOLDEN / "whole.keras") as archive:
        archive.extractall(tmp_path)
    with h5py.File(tmp_path / "model.weights.h5", "r+") as file:
        file.visititems(lambda path, item: item.attrs.pop("name", None) and None)
    assert_holds(tmp_path, weights("whole"))
    with t2n.open(tmp_path / "model.weights.h5") as file:
        assert "layers/sequential/layers/dense_1/0" in file
        assert file.aliases["layers/dense/0"] == ("layers/dense/vars/0",)


def test_names_that_differ_from_the_configuration(tmp_path):
    """Then the configuration is of something else, and what it says of variables does not count."""
    with zipfile.ZipFile(GOLDEN / "whole.keras") as archive:
        archive.extractall(tmp_path)
    with h5py.File(tmp_path / "model.weights.h5", "r+") as file:
        file["layers/dense/vars"].attrs["name"] = "other"
    with t2n.open(tmp_path) as file:
        assert {"other/0", "other/1", "norm/gamma"} <= set(file)


def test_layers_of_one_name(tmp_path):
    with h5py.File(tmp_path / "x.weights.h5", "w") as file:
        for number in range(2):
            group = file.create_group(f"layers/dense_{number}/vars")
            group.attrs["name"] = "same"
            group["0"] = np.full(2, number)
    with t2n.open(tmp_path / "x.weights.h5") as file:
        assert list(file) == ["layers/dense_0/vars/0", "layers/dense_1/vars/0"]
        assert file.aliases["layers/dense_1/vars/0"] == ("same/0",)
        with pytest.raises(KeyError, match="are called so"):
            file["same/0"]


def test_numbers_are_sorted_as_such(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for layer in (10, 9):
            for number in range(11):
                file[f"layers/dense_{layer}/vars/{number}"] = [number]
    with t2n.open(tmp_path / "x.h5") as file:
        assert list(file) == [f"layers/dense_{layer}/{number}" for layer in (9, 10) for number in range(11)]


def test_variables_with_names_of_their_own(tmp_path):
    """As layers that store their state themselves may choose."""
    with h5py.File(tmp_path / "x.weights.h5", "w") as file:
        group = file.create_group("vars")
        group.attrs["name"] = "model"
        group["idf_weights"] = [1.0]
        group["inner/deep"] = [2.0]
        file["d1/vars/0"] = [3.0]
    assert_holds(
        tmp_path / "x.weights.h5",
        {"model/idf_weights": np.array([1.0]), "model/inner/deep": np.array([2.0]), "d1/0": np.array([3.0])},
    )


def test_long_lists_are_joined(tmp_path):
    names = [f"layer{i:04}" for i in range(600)]
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["layer_names0"], file.attrs["layer_names1"] = np.array(names[:300], "S"), np.array(names[300:], "S")
        for i, name in enumerate(names):
            file.create_group(name).attrs["weight_names"] = [f"{name}/w:0"]
            file[name][f"{name}/w:0"] = [i]
    with t2n.open(tmp_path / "x.h5") as file:
        assert list(file) == [f"{name}/w" for name in names]
        assert file["layer0599/w"][0] == 599


def test_elements_without_a_type(tmp_path):
    with h5py.File(tmp_path / "x.weights.h5", "w") as file:
        file["a/vars/0"] = np.zeros(2, "V1")
        file["a/vars/1"] = np.zeros(2, "V3")
        file["a/vars/2"] = np.zeros(2, "V1")
        file["a/vars/2"].attrs["dtype"] = "float8_e4m3fn"
        file["a/vars/3"] = "text"
        file["a/vars/4"] = h5py.Empty("f4")
    with t2n.open(tmp_path / "x.weights.h5") as file:
        assert {name: array.dtype.name for name, array in file.items()} == {"a/2": "float8_e4m3fn"}
        rest = "read it with h5py, and view it as the ml_dtypes type that the model had"
        untyped = "the file does not say of which type its elements of"
        assert file.left_out == {
            "a/0": f"{untyped} 1 B are (Keras writes float8 and int4 so); {rest}",
            "a/1": f"{untyped} 3 B are (Keras writes none so); {rest}",
            "a/3": "it holds texts, and Keras has no weights that are texts; read it with h5py",
            "a/4": "it holds nothing, not even a shape, which has no NumPy form",
        }


def test_plain_hdf5_files_are_no_keras_files(tmp_path):
    path = tmp_path / "x.h5"
    for datasets in (["a"], ["vars/0", "other"], ["vars/0"], ["layers/a/vars/0", "b/c"], ["model_weights/dense"]):
        with h5py.File(path, "w") as file:
            for name in datasets:
                file[name] = [1]
            file.create_group("empty/vars") if "layers" in datasets[0] else None
        with t2n.open(path) as file:
            assert (file.kind, sorted(file)) == ("HDF5 file", sorted(datasets))


def test_a_legacy_file_with_more_in_it(tmp_path):
    shutil.copy(GOLDEN / "old.h5", tmp_path)
    with h5py.File(tmp_path / "old.h5", "r+") as file:
        file["notes/scores"] = [1.0]
    with t2n.open(tmp_path / "old.h5") as file:
        assert file.left_out == {"notes/scores": "no list of weights in the file has it; read it with h5py"}
        assert len(file) == 9
