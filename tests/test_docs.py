"""Every example in a docstring and every Python block in the documentation runs."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import inspect
import pkgutil
import re
import sys
from pathlib import Path

import pytest

import tf2numpy

ROOT = Path(__file__).parent.parent
DOCUMENTS = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if path.is_file()]
COMPILED = {"tf2numpy.wire._framing", "tf2numpy.wire._examples"}  # of which doctest finds no source
MODULES = [name for _, name, _ in pkgutil.walk_packages(tf2numpy.__path__, "tf2numpy.") if name not in COMPILED]
FENCE = re.compile(
    r"^(?P<indent>[ \t]*)(?P<fence>```+|~~~+)(?P<info>[^\n`]*)\n(?P<code>.*?)^[ \t]*(?P=fence)[ \t]*$", re.M | re.S
)


def python_blocks(path: Path) -> list[tuple[int, str]]:
    """Give the first line's number and the code of each Python block.

    Raises: AssertionError for a Python block with any tag, such as one that would keep it from running.
    """
    text, blocks = path.read_text(), []
    for match in FENCE.finditer(text):
        words = match["info"].lower().replace(",", " ").split()
        if not words or words[0].strip("{}.") not in ("python", "py", "python3", "pycon"):
            continue
        line = text[: match.start("code")].count("\n") + 1
        assert words == ["python"], f"{path}:{line - 1}: a block tagged {match['info']!r}; every Python block must run"
        lines = match["code"].splitlines()
        blocks.append((line, "\n".join(one.removeprefix(match["indent"]) for one in lines) + "\n"))
    return blocks


def run_document(path: Path) -> int:
    """Run the blocks of one file in order, in one namespace; errors name the file and the line."""
    namespace = {"__name__": "__main__"}
    blocks = python_blocks(path)
    for line, code in blocks:
        exec(compile("\n" * (line - 1) + code, str(path), "exec"), namespace)
    return len(blocks)


HAS_TENSORFLOW = importlib.util.find_spec("tensorflow") is not None


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_run(path, tmp_path, monkeypatch, request):
    if any("tensorflow" in code for _, code in python_blocks(path)):
        if not HAS_TENSORFLOW:
            pytest.skip("this document needs TensorFlow")
        request.getfixturevalue("tf")
    monkeypatch.chdir(tmp_path)
    run_document(path)


def test_there_is_a_readme_that_shows_code():
    assert python_blocks(ROOT / "README.md")


@pytest.mark.parametrize("name", ["tf2numpy", *MODULES])
def test_docstrings_run(name, tmp_path, monkeypatch, request):
    if HAS_TENSORFLOW:
        request.getfixturevalue("tf")  # before an example initialises the devices
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    source = inspect.getsource(module) if module.__file__.endswith(".py") else ""  # a compiled module has none
    if not HAS_TENSORFLOW and "import numpy as np, tensorflow as tf" in source:
        pytest.skip("the examples of this module need TensorFlow")
    failed, _ = doctest.testmod(module, extraglobs={"tf2numpy": tf2numpy}, report=True)
    assert failed == 0


def test_the_docstrings_of_the_verbs_have_examples():
    verbs = (
        tf2numpy.to_numpy,
        tf2numpy.iter_chunks,
        tf2numpy.plan,
        tf2numpy.save,
        tf2numpy.open,
        tf2numpy.predict,
        tf2numpy.convert,
    )
    for verb in (*verbs, tf2numpy.devices):
        assert doctest.DocTestFinder().find(verb, globs={})[0].examples, verb


@pytest.fixture
def document(tmp_path):
    def write(text):
        path = tmp_path / "page.md"
        path.write_text(text)
        return path

    return write


def test_the_runner_runs_blocks_in_order_in_one_namespace(document):
    path = document(
        "# Title\n\n```python\nx = [1]\n```\ntext\n```sh\nrm -rf x\n```\n"
        "  ```python\n  x.append(2)\n  ```\n~~~python\nassert x == [1, 2]\n~~~\n"
    )
    assert [line for line, _ in python_blocks(path)] == [4, 11, 14]
    assert run_document(path) == 3


def test_the_runner_fails_with_a_failing_block_and_names_its_line(document):
    path = document("```python\nx = 1\n```\n\n```python\n\nassert x == 2\n```\n")
    with pytest.raises(AssertionError) as caught:
        run_document(path)
    last = caught.traceback[-1]
    assert (str(last.path), last.lineno + 1) == (str(path), 7)
    with pytest.raises(SyntaxError) as caught:
        run_document(document("\n\n```python\nx =\n```\n"))
    assert (caught.value.filename, caught.value.lineno) == (str(path), 4)


@pytest.mark.parametrize("info", ["python no-run", "python,ignore", "{.python}", "py", "pycon", "Python skip"])
def test_the_runner_lets_no_block_be_left_out(document, info):
    path = document(f"text\n```{info}\nraise SystemExit\n```\n")
    with pytest.raises(AssertionError) as caught:
        python_blocks(path)
    assert str(caught.value).startswith(f"{path}:2: a block tagged {info!r}; every Python block must run")


def test_doctest_notices_a_wrong_example():
    module = type(sys)("wrong")
    module.__doc__ = ">>> 1 + 1\n3\n"
    failed, tried = doctest.testmod(module, report=False, verbose=False)
    assert (failed, tried) == (1, 1)
