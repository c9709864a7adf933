"""Paths that the system itself cannot follow are refused in our own words, not in a bare OSError."""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import fails
from tf2numpy._errors import InvalidArgument
from tf2numpy._workspace import Workspace


def refused(path, why, **options):
    with fails(InvalidArgument, f"{str(path)!r} cannot be written: {why}"):
        Workspace(path, **{"overwrite": True, **options})


def circle_at(link):
    return f"symbolic links lead in a circle at {str(link)!r}; remove that link, or choose another path"


@pytest.mark.parametrize("overwrite", [False, True])
def test_links_in_a_circle(tmp_path, overwrite):
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for name in ("self", "a"):
        refused(tmp_path / name, circle_at(tmp_path / name), overwrite=overwrite)
        refused(tmp_path / name / "x", circle_at(tmp_path / name), overwrite=overwrite)
        refused(tmp_path / name / "y" / "x", circle_at(tmp_path / name), overwrite=overwrite)


def test_a_link_to_a_circle(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "a").symlink_to("a")
    (tmp_path / "folder" / "link").symlink_to("../a")
    refused(tmp_path / "folder" / "link", circle_at(tmp_path / "a"))


def test_a_name_that_is_too_long(tmp_path):
    limit = os.pathconf(tmp_path, "PC_NAME_MAX")
    why = f"one of its names has {{}} bytes, and this file system takes at most {limit}; choose a shorter one"
    refused(tmp_path / ("x" * (limit + 1)), why.format(limit + 1))
    refused(tmp_path / ("x" * (limit + 1)) / "y", why.format(limit + 1))
    refused(tmp_path / ("é" * limit), why.format(2 * limit))
    Workspace(tmp_path / ("x" * limit), overwrite=False)


def test_a_path_that_is_too_long(tmp_path):
    limit = os.pathconf(tmp_path, "PC_PATH_MAX") - 1
    path = tmp_path / Path(*["folder"] * 1000) / "x"
    refused(
        path,
        f"the path has {len(os.fsencode(path))} bytes, and this system takes at most {limit}; choose a shorter one",
    )


@pytest.mark.parametrize("name", ["a\0b", "a\0b/x"])
def test_a_name_that_no_path_can_have(tmp_path, name):
    refused(tmp_path / name, "no name can hold a NUL; choose another name")


def test_a_folder_that_may_not_be_looked_into():
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # every user can reach it, unlike tmp_path
    (folder / "inner").mkdir()
    folder.chmod(0o444)
    is_root = os.geteuid() == 0
    if is_root:
        os.setresuid(65534, 65534, 0)
    try:
        for path in (folder / "x", folder / "inner" / "x"):
            why = f"the folder {str(path.parent)!r} takes no new file (Permission denied); choose another folder"
            refused(path, why)
    finally:
        if is_root:
            os.setresuid(0, 0, 0)
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_through_the_verbs(tmp_path):
    (tmp_path / "loop.npy").symlink_to("loop.npy")
    for path, why in (
        (tmp_path / "loop.npy", circle_at(tmp_path / "loop.npy")),
        (
            tmp_path / ("x" * 300 + ".npy"),
            "one of its names has 304 bytes, and this file system takes at most 255; choose a shorter one",
        ),
    ):
        with fails(InvalidArgument, f"{str(path)!r} cannot be written: {why}"):
            t2n.save(np.arange(3), path)
        with fails(InvalidArgument, f"{str(path)!r} cannot be written: {why}"):
            t2n.to_numpy(np.arange(3), spill=path)
