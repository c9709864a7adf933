"""SavedModels are read as they were written: variables under the model's names, constants if asked for."""

import shutil

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.arrays import assert_same
from hostile.mutate import mutations
from tables import BundleFiles
from tf2numpy import FormatError, InvalidArgument, Tf2NumpyError
from tf2numpy.wire.object_graph import GRAPH_KEY
from wire.messages import const, graph_def, meta_graph, node, number, objects, saved_model, tensor, text
from wire.test_protobuf import chunk

from .golden_models import GOLDEN, MODELS, expected

ONE = tensor(content=b"\0\0\x80\x3f")


@pytest.fixture
def module(tmp_path):
    """A copy of a golden model, to be spoilt."""
    return shutil.copytree(GOLDEN / "module", tmp_path / "module")


def written(folder, data):
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(data)
    return folder


def refused(path, error=FormatError, **options):
    with pytest.raises(error) as found:
        t2n.open(path, **options)
    return str(found.value)


@pytest.mark.parametrize("model", MODELS)
def test_variables_and_constants(model):
    arrays = expected(model)
    with t2n.open(GOLDEN / model, constants=True) as file:
        assert file.kind == "SavedModel"
        assert set(file) == set(arrays)
        for name, array in arrays.items():
            assert (file[name].shape, file[name].dtype) == (array.shape, array.dtype)
            assert_same(np.asarray(file[name]), array)
    with t2n.open(GOLDEN / model) as file:
        assert set(file) == {name for name in arrays if not name.startswith("constants/")}


def test_a_file_that_is_not_there(tmp_path):
    refused(tmp_path / "saved_model.pbtxt", FileNotFoundError)


def test_the_file_of_the_graph_means_its_folder():
    assert set(t2n.open(GOLDEN / "module" / "saved_model.pb")) == set(t2n.open(GOLDEN / "module"))


def test_names():
    file = t2n.open(GOLDEN / "keras_export")
    assert file.aliases["sequential/first/kernel"] == (
        "variables/0",
        "trainable_variables/0",
        "variables/0/.ATTRIBUTES/VARIABLE_VALUE",
    )
    keys = t2n.open(GOLDEN / "keras_export", names="key", slots=True)
    assert "_all_variables/0/.ATTRIBUTES/VARIABLE_VALUE" in keys
    assert len(keys) == 9
    assert_same(np.asarray(keys["variables/0/.ATTRIBUTES/VARIABLE_VALUE"]), np.asarray(file["sequential/first/kernel"]))


def test_a_model_without_a_folder_of_variables(tmp_path):
    folder = written(tmp_path / "model", saved_model(meta_graph(graph_def(const("c", ONE)))))
    assert dict(t2n.open(folder)) == {}
    file = t2n.open(folder, constants=True)
    assert list(file) == ["constants/c"]
    assert_same(np.asarray(file["constants/c"]), np.float32(1))


def test_variables_whose_values_are_not_there(module):
    shutil.rmtree(module / "variables")
    file = t2n.open(module)
    assert dict(file) == {}
    assert file.left_out == {
        "variables": "the graph has 6, and the folder 'variables', where their values should be, is not there"
    }


def test_a_copy_without_its_index(module):
    (module / "variables" / "variables.index").unlink()
    assert refused(module) == (
        f"{str(module / 'variables')!r} has variables.data-00000-of-00001, and no variables.index; copy the folder anew"
    )


@pytest.mark.parametrize(("name", "form"), [("saved_model.pbtxt", "as text"), ("saved_model.cpb", "in chunks")])
def test_graphs_in_other_forms(module, name, form):
    (module / "saved_model.pb").rename(module / name)
    variables = {key: array for key, array in expected("module").items() if not key.startswith("constants/")}
    for path in (module, module / name):
        file = t2n.open(path)
        assert set(file) == set(variables)
        assert_same(np.asarray(file["child/v"]), variables["child/v"])
    assert refused(module, constants=True) == (
        f"{str(module / name)!r} keeps its graph {form}, which is not read here; leave constants=True out, or load the "
        "model with TensorFlow and save it again, as saved_model.pb"
    )


def test_names_of_variables_of_old_models(tmp_path):
    """TensorFlow before 2.6 left the full names out of the checkpoint's graph."""
    key = "layer-0/kernel/.ATTRIBUTES/VARIABLE_VALUE"
    layers = objects(node({"layer-0": 1}), node({"kernel": 2}))
    graph = np.array(layers + objects(node(tensors={key: ""})), object)
    saved = layers + objects(chunk(7, text(6, "d/k")))
    folder = written(tmp_path / "model", saved_model(meta_graph(objects=saved)))
    (folder / "variables").mkdir()
    BundleFiles().add(GRAPH_KEY, graph).add(key, np.float32([1, 2])).write(folder / "variables", "variables")
    file = t2n.open(folder)
    assert list(file) == ["d/k"]
    assert file.aliases == {"d/k": ("layer-0/kernel", key)}
    assert_same(np.asarray(file["d/k"]), np.float32([1, 2]))


def test_models_of_tensorflow_1(tmp_path):
    """Their variables have no object graph: keys are names."""
    folder = written(tmp_path / "model", saved_model(meta_graph()))
    (folder / "variables").mkdir()
    files = BundleFiles()
    for name in ("dense/kernel", "dense/kernel/Adam", "global_step"):
        files.add(name, np.float32([1, 2]))
    files.write(folder / "variables", "variables")
    assert list(t2n.open(folder)) == ["dense/kernel", "global_step"]
    assert list(t2n.open(folder, slots=True)) == ["dense/kernel", "dense/kernel/Adam", "global_step"]


def test_of_several_graphs_the_one_to_serve_counts(tmp_path):
    train, serve = (meta_graph(graph_def(const(tag, ONE)), [tag]) for tag in ("train", "serve"))
    assert list(t2n.open(written(tmp_path / "both", saved_model(train, serve)), constants=True)) == ["constants/serve"]
    assert list(t2n.open(written(tmp_path / "one", saved_model(train)), constants=True)) == ["constants/train"]


def test_what_no_array_can_be(tmp_path):
    """Handles, unknown dtypes and shapes, which are left out with the reason; and names that collide."""
    graph = graph_def(
        const("f/x", ONE),
        const("variant", tensor(21)),
        const("resource", tensor(20)),
        const("new", tensor(99)),
        const("open", number(1, 1) + chunk(2, number(3, 1))),
        const("strings", tensor(7, (1 << 40,))),
        functions={"f": [const("x", ONE), const("x", ONE)]},
    )
    file = t2n.open(written(tmp_path / "model", saved_model(meta_graph(graph))), constants=True)
    assert list(file) == ["constants/f/x", "constants/f/x_1", "constants/f/x_2"]
    assert file.left_out == {
        "constants/variant": "it holds variants, not numbers or strings",
        "constants/resource": "it holds resource handles, not numbers or strings",
        "constants/new": "its dtype has the number 99, which is not known",
        "constants/open": "its shape is not fully known, so it holds no values",
        "constants/strings": "it declares 1099511627776 strings in 13 bytes; 8388608 more than bytes are read",
    }


def test_a_damaged_constant(tmp_path):
    folder = written(tmp_path / "model", saved_model(meta_graph(graph_def(const("c", tensor(1, (2,), b"abc"))))))
    with pytest.raises(FormatError) as found:
        np.asarray(t2n.open(folder, constants=True)["constants/c"])
    assert str(found.value) == (
        "the constant 'constants/c' cannot be read: its tensor_content has 3 bytes, and the shape (2,) of float32 "
        "takes 8"
    )


def test_damaged_graphs(tmp_path):
    cut = written(tmp_path / "cut", saved_model(meta_graph())[:-1])
    assert refused(cut) == (
        f"{str(cut / 'saved_model.pb')!r} cannot be read: the field 2 at offset 2 has 11 bytes, and 10 follow"
    )
    empty = written(tmp_path / "empty", b"")
    assert refused(empty) == (
        f"{str(empty / 'saved_model.pb')!r} cannot be read: a SavedModel has at least one graph, and this has none"
    )
    bad = written(tmp_path / "bad", saved_model(meta_graph(graph_def(text(1, "a") + text(2, "Const")))))
    assert refused(bad, constants=True) == (
        f"{str(bad / 'saved_model.pb')!r} cannot be read: the constant 'a' has no value"
    )


def test_options_that_mean_nothing():
    assert refused(GOLDEN / "module", InvalidArgument, checkpoint="1") == (
        f"checkpoint='1' means nothing to the SavedModel {str(GOLDEN / 'module')!r}: it takes names, slots, constants, "
        "check; leave checkpoint out"
    )


def test_a_saved_model_under_another_name_and_what_only_begins_so(tmp_path):
    (tmp_path / "model.pb").write_bytes(saved_model(meta_graph(graph_def(const("c", ONE)))))
    assert list(t2n.open(tmp_path / "model.pb", constants=True)) == ["constants/c"]
    (tmp_path / "other.pb").write_bytes(b"\x08\x01\x12\x03abc")
    assert "is of no format that can be read" in refused(tmp_path / "other.pb")


def test_pieces_and_copies(tmp_path):
    values = np.arange(12, dtype="<f4").reshape(3, 4)
    graph = graph_def(const("c", tensor(1, (3, 4), values.tobytes())))
    file = t2n.open(written(tmp_path / "model", saved_model(meta_graph(graph))), constants=True)
    array = file["constants/c"]
    assert_same(array[1:, ::2], values[1:, ::2])
    view = t2n.to_numpy(array, copy=False)
    assert not view.flags.writeable
    assert not view.flags.owndata
    copy = t2n.to_numpy(array)
    copy[...] = 0
    assert_same(np.asarray(array), values)
    again = np.zeros_like(values)
    for piece in t2n.iter_chunks(array, max_bytes=64):
        again[piece.index] = piece.value
    assert_same(again, values)


def test_nothing_that_is_read_leads_to_what_is_read_next(tmp_path):
    """Values of which the last is repeated, and strings, are new in memory."""
    two = number(1, 3) + chunk(2, chunk(2, number(1, 4))) + chunk(7, b"\x01\x02")
    strings = number(1, 7) + chunk(2, chunk(2, number(1, 2))) + chunk(8, b"a") + chunk(8, b"b")
    graph = graph_def(const("two", two), const("strings", strings))
    file = t2n.open(written(tmp_path / "model", saved_model(meta_graph(graph))), constants=True)
    assert not file["constants/two"][1:].flags.writeable
    assert file["constants/two"][:].tolist() == [1, 2, 2, 2]
    file["constants/strings"][:][0] = b"changed"
    assert file["constants/strings"][:].tolist() == [b"a", b"b"]


def test_strings_of_constants():
    file = t2n.open(GOLDEN / "module", constants=True)
    name = next(name for name in file if name.endswith("/SaveV2/tensor_names"))
    names, whole = file[name], expected("module")[name]
    assert_same(names[2:4], whole[2:4])
    assert t2n.to_numpy(names, dtype=str)[0] == whole[0].decode()
    assert_same(np.concatenate([piece.value for piece in t2n.iter_chunks(names, max_bytes=2000)]), whole)


def test_damaged_models(tmp_path):
    """Whatever is wrong, it is said by an error of ours, or what can be read is read."""
    folder = shutil.copytree(GOLDEN / "module", tmp_path / "model")
    path, taken = folder / "saved_model.pb", 0
    for damaged in mutations(path.read_bytes(), 300, seed=3):
        path.write_bytes(damaged)
        try:
            with t2n.open(folder, constants=True) as file:
                for name in file:
                    if file[name].nbytes < 1 << 20:
                        np.asarray(file[name])
        except Tf2NumpyError:
            continue
        taken += 1
    assert taken
