"""Folders of checkpoints: the latest, the one that is asked for, and what is there if there is none."""

import numpy as np
import pytest

import tf2numpy as t2n
from tables import BundleFiles
from tf2numpy.formats import _checkpoint_folder


def write(folder, *names):
    for number, name in enumerate(names):
        BundleFiles().add("x", np.array(number)).write(folder, name)


def state(folder, *names):
    listed = "".join(f'all_model_checkpoint_paths: "{name}"\n' for name in names)
    (folder / "checkpoint").write_text(f'model_checkpoint_path: "{names[-1]}"\n{listed}')


def value(folder, **options):
    with t2n.open(folder, **options) as file:
        return int(file["x"][...])


def refused(folder, error=t2n.FormatError, **options):
    with pytest.raises(error) as caught:
        t2n.open(folder, **options)
    return str(caught.value)


@pytest.mark.parametrize("latest", ["ck-2", "/gone/away/ck-2", r"C:\\runs\\ck-2", "../../etc/ck-2"])
def test_the_latest_is_looked_for_in_the_folder_alone(tmp_path, latest):
    write(tmp_path, "ck-1", "ck-2", "ck-3")
    state(tmp_path, "ck-1", latest)
    assert value(tmp_path) == 1


def test_by_name_and_by_step(tmp_path):
    write(tmp_path, "ck-1", "ck-12", "best", "model.ckpt-7", "other-7")
    state(tmp_path, "ck-1")
    assert value(tmp_path) == 0
    assert [value(tmp_path, checkpoint=name) for name in ("ck-12", "12", "best", "1", "model.ckpt-7")] == [
        1,
        1,
        2,
        0,
        3,
    ]
    there = "there are best, ck-1, ck-12, model.ckpt-7, other-7"
    assert refused(tmp_path, t2n.InvalidArgument, checkpoint="2") == (
        f"checkpoint='2': {str(tmp_path)!r} has none such; {there}"
    )
    assert refused(tmp_path, t2n.InvalidArgument, checkpoint="7") == (
        f"checkpoint='7': {str(tmp_path)!r} has several such: model.ckpt-7, other-7"
    )


def test_only_one(tmp_path):
    write(tmp_path, "variables")
    assert value(tmp_path) == 0
    (tmp_path / "variables_temp").mkdir()
    (tmp_path / "variables.data-00000-of-00001.tempstate123").write_bytes(b"x")
    (tmp_path / "search.index").write_bytes(b"something else")
    assert value(tmp_path) == 0


def test_several_and_nothing_that_says_which(tmp_path):
    write(tmp_path, *(f"ck-{n:02}" for n in range(12)))
    assert refused(tmp_path) == (
        f"{str(tmp_path)!r} has several checkpoints, and no file 'checkpoint' that says which is the latest; there are "
        f"{', '.join(f'ck-{n:02}' for n in range(10))} and 2 more; pass checkpoint= with one of these names"
    )
    assert value(tmp_path, checkpoint="11") == 11


def test_a_latest_that_is_gone(tmp_path):
    write(tmp_path, "ck-1")
    state(tmp_path, "ck-2")
    assert refused(tmp_path) == (
        f"{str(tmp_path)!r}: its file 'checkpoint' names 'ck-2' as the latest, which is not there; there is ck-1; pass "
        "checkpoint= with one of these names"
    )
    (tmp_path / "ck-1.index").unlink()
    missing = "its file 'checkpoint' names 'ck-2', and there is no .index file of one; "
    assert refused(tmp_path) == (
        f"{str(tmp_path)!r} has no checkpoint that is whole: {missing}"
        "it has ck-1.data-00000-of-00001, parts of a save that did not finish; copy the missing files "
        "there, or save anew"
    )
    (tmp_path / "ck-1.data-00000-of-00001").unlink()
    missing = "its file 'checkpoint' names 'ck-2', and there is no .index file of one; "
    assert refused(tmp_path) == (
        f"{str(tmp_path)!r} has no checkpoint that is whole: {missing}"
        "it has checkpoint; copy the missing files there, or save anew"
    )


@pytest.mark.parametrize("left", ["ck-1_temp", "ck.data-00000-of-00001", "ck.index.tempstate99"])
def test_a_save_that_did_not_finish(tmp_path, left):
    (tmp_path / left).mkdir()
    assert refused(tmp_path) == (
        f"{str(tmp_path)!r} has no checkpoint that is whole: there is no .index file of one; it has {left}, parts of a "
        "save that did not finish; copy the missing files there, or save anew"
    )


def test_folders_of_other_things(tmp_path):
    message = refused(tmp_path)
    assert message.startswith(f"{str(tmp_path)!r} is of no format that can be read; it is empty; known are ")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "checkpoint").write_bytes(b"\x81\xa5model")
    message = refused(tmp_path)
    assert message.startswith(
        f"{str(tmp_path)!r} is of no format that can be read; it has checkpoint, notes.txt; known are "
    )


def test_a_list_that_is_too_long_to_be_one(tmp_path, monkeypatch):
    write(tmp_path, "ck-1", "ck-2")
    state(tmp_path, "ck-1", "ck-2")
    monkeypatch.setattr(_checkpoint_folder, "_MOST_STATE_BYTES", 10)
    assert "has several checkpoints" in refused(tmp_path)


def test_a_prefix_that_is_a_folder_too(tmp_path):
    write(tmp_path, "ck")
    (tmp_path / "ck").mkdir()
    assert value(tmp_path / "ck") == 0
