"""Who may import whom, and what importing costs. Beside each guard a control shows that it bites."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import tf2numpy
from tf2numpy import _registry

ROOT = Path(tf2numpy.__file__).parent
PARTS = ("kinds", "formats", "sinks", "witnesses")
WIRE_MAY_IMPORT = {"_errors", "_dtypes", "_registry"}
# What verifies a finished file may know how dtypes are named in it, and nothing else that our readers know.
WITNESSES_MAY_IMPORT = {
    *("_checksum", "_dtypes", "_errors", "_host", "_protocols", "_registry", "_types", "_witness"),
    *("layouts.arrow_types", "layouts.hdf5_types", "layouts.safetensors_dtypes"),
}
VERBS = {"_conversion", "_convert", "_save", "_plan", "_devices", "_demo", "cli"}
IN_FUNCTIONS, AT_TOP = False, True

# The known exceptions: the short ways and the one sink that gathers rows in memory.
ALLOWED = {
    ("_fetch", "sinks.memory", AT_TOP),
    ("_convert", "kinds.dense", IN_FUNCTIONS),
    ("_resolve", "kinds.nested", IN_FUNCTIONS),
}
MAY_IMPORT_TENSORFLOW = {("_devices", IN_FUNCTIONS), ("_demo", IN_FUNCTIONS)}


class Import(NamedTuple):
    """`importer` imports `target`; both are dotted names, ours without "tf2numpy."."""

    importer: str
    target: str
    at_top: bool


def imports_of(importer: str, text: str) -> set[Import]:
    """Find every import in a module's text but those for type checkers alone."""
    found = set()

    def visit(node, at_top):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
                continue
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            if isinstance(child, ast.Import):
                found.update(Import(importer, name.name, at_top) for name in child.names)
            elif isinstance(child, ast.ImportFrom):
                package = ("tf2numpy." + importer).split(".")[: -child.level] if child.level else []
                module = [*package, *(child.module.split(".") if child.module else [])]
                for name in child.names:
                    full = ".".join([*module, name.name])
                    is_module = not child.module or (ROOT / Path(*full.split(".")[1:])).with_suffix(".py").is_file()
                    found.add(Import(importer, full if is_module else ".".join(module), at_top))
            elif isinstance(child, ast.Call) and getattr(child.func, "attr", "") == "import_module":
                found.update(Import(importer, a.value, at_top) for a in child.args[:1] if isinstance(a, ast.Constant))
            visit(child, at_top and not inside)

    visit(ast.parse(text), at_top=True)
    return {found._replace(target=found.target.removeprefix("tf2numpy.")) for found in found}


def all_imports() -> set[Import]:
    """Find every import of the package."""
    found: set[Import] = set()
    for path in ROOT.rglob("*.py"):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found |= imports_of(name, path.read_text())
    return found


def part_of(module: str) -> str:
    part = module.partition(".")[0]
    return part if part in PARTS else "core"


def between_parts(imports: set[Import]) -> set[Import]:
    """Parts that import another part, or a verb that stands above them."""
    return {
        i
        for i in imports
        if part_of(i.importer) != "core"
        and (part_of(i.target) not in ("core", part_of(i.importer)) or i.target.partition(".")[0] in VERBS)
    }


def from_the_core(imports: set[Import]) -> set[tuple[str, str, bool]]:
    """Core modules that import a part."""
    return {(i.importer, i.target, i.at_top) for i in imports if part_of(i.importer) == "core" != part_of(i.target)}


def of_tensorflow(imports: set[Import]) -> set[tuple[str, bool]]:
    """Modules that import TensorFlow or Keras."""
    frameworks = ("tensorflow", "keras", "tf_keras")
    return {(i.importer, i.at_top) for i in imports if i.target.partition(".")[0] in frameworks}


def cycle_in(imports: set[Import]) -> list[str]:
    """Find modules that need each other while they are imported."""
    below: dict[str, set[str]] = {}
    for i in imports:
        if i.at_top:
            below.setdefault(i.importer, set()).add(i.target)

    def walk(module, way):
        if module in way:
            return [*way[way.index(module) :], module]
        for target in sorted(below.get(module, ())):
            if cycle := walk(target, [*way, module]):
                return cycle
        return []

    return next((cycle for module in sorted(below) if (cycle := walk(module, []))), [])


def test_the_parts_never_import_one_another():
    assert between_parts(all_imports()) == set()


def from_wire(imports: set[Import]) -> set[Import]:
    """Decoders of bytes that know more of the package than errors, dtypes and the table of extras."""
    return {
        i
        for i in imports
        if i.importer.startswith("wire.")
        and (ROOT / f"{i.target.replace('.', '/')}.py").is_file()
        and not i.target.startswith("wire.")
        and i.target not in WIRE_MAY_IMPORT
    }


def test_decoders_of_bytes_know_neither_files_nor_sources():
    assert from_wire(all_imports()) == set()
    assert from_wire(imports_of("wire.table", "from .._blobs import Blob")) == {Import("wire.table", "_blobs", AT_TOP)}


def from_witnesses(imports: set[Import]) -> set[Import]:
    """What verifies outputs and imports more of the package than it may: a reader of ours, on whatever way."""
    return {
        i
        for i in imports
        if i.importer == "_verify" or i.importer.startswith("witnesses.")
        if (ROOT / f"{i.target.replace('.', '/')}.py").is_file()
        and not i.target.startswith("witnesses.")
        and i.target not in WITNESSES_MAY_IMPORT
    }


def test_what_verifies_outputs_knows_no_reader_of_ours():
    assert from_witnesses(all_imports()) == set()
    reached, found = {i.importer for i in all_imports() if i.importer.startswith("witnesses.")} | {"_verify"}, set()
    while reached != found:
        found = set(reached)
        reached |= {i.target for i in all_imports() if i.importer in found and i.at_top}
    assert {i for i in reached if part_of(i) == "formats" or i in ("_opened", "_differences")} == set()


@pytest.mark.parametrize(
    ("importer", "text", "target"),
    [
        ("_verify", "from ._opened import stored_in", "_opened"),
        ("_verify", "def f():\n    from ._differences import differences", "_differences"),
        ("witnesses.npz", "from ..formats.npz import npz", "formats.npz"),
        ("witnesses.zarr", "from .. import _codecs", "_codecs"),
        ("witnesses.zarr", "from ..layouts import zarr_grid", "layouts.zarr_grid"),
        ("witnesses.hdf5", "from ..sinks._hdf5_grid import Grid", "sinks._hdf5_grid"),
    ],
)
def test_control_of_what_verifies_outputs(importer, text, target):
    assert {i.target for i in from_witnesses(imports_of(importer, text))} == {target}


def test_the_core_imports_no_part_but_by_the_table():
    assert from_the_core(all_imports()) == ALLOWED


def test_only_devices_and_the_demo_import_tensorflow():
    assert of_tensorflow(all_imports()) <= MAY_IMPORT_TENSORFLOW
    assert ("_devices", IN_FUNCTIONS) in of_tensorflow(all_imports())


def test_no_module_needs_itself():
    assert cycle_in(all_imports()) == []


@pytest.mark.parametrize(
    ("importer", "text", "target"),
    [
        ("kinds.dense", "from ..sinks.npy import NpySink", "sinks.npy"),
        ("kinds.dense", "from ..sinks import npy", "sinks.npy"),
        ("kinds.dense", "def f():\n    from tf2numpy.sinks import memory", "sinks.memory"),
        ("sinks.npy", "if True:\n    import tf2numpy.kinds.dense", "kinds.dense"),
        ("sinks.npy", "import importlib\nimportlib.import_module('tf2numpy.kinds.dense')", "kinds.dense"),
        ("formats.npz", "class A:\n    from ..kinds import dense", "kinds.dense"),
        ("sinks.npy", "from ..witnesses import npy", "witnesses.npy"),
        ("witnesses.npy", "from ..formats._npy_header import parse", "formats._npy_header"),
        ("kinds.dense", "from .._save import save", "_save"),
        ("kinds.dense", "from .. import _convert", "_convert"),
    ],
)
def test_control_of_the_parts(importer, text, target):
    assert {i.target for i in between_parts(imports_of(importer, text))} == {target}


def test_control_of_the_core():
    text = "from .kinds.dense import tensor\ndef f():\n    from .sinks import npy"
    assert from_the_core(imports_of("_plan", text)) == {("_plan", "kinds.dense", True), ("_plan", "sinks.npy", False)}


@pytest.mark.parametrize("text", ["import tensorflow as tf", "from keras import Model", "import tensorflow.python.a"])
def test_control_of_tensorflow(text):
    assert of_tensorflow(imports_of("_plan", text)) == {("_plan", True)}
    assert of_tensorflow(imports_of("_plan", f"def f():\n    {text}")) == {("_plan", False)}
    assert of_tensorflow(imports_of("_plan", f"if TYPE_CHECKING:\n    {text}")) == set()


def test_control_of_cycles():
    imports = imports_of("_units", "from . import _types") | imports_of("_types", "from ._units import parse_bytes")
    assert cycle_in(imports) == ["_types", "_units", "_types"]
    assert cycle_in(imports_of("_units", "def f():\n    from ._units import parse_bytes")) == []


def loaded_by(program: str) -> set[str]:
    """Run a program in a fresh process and name the slow libraries it loaded."""
    slow = "{'numpy', 'tensorflow', 'keras', 'h5py', 'optree', 'psutil', 'tqdm', 'ml_dtypes', 'scipy', 'awkward'}"
    return set(run(program + f"\nimport sys\nprint(*({slow} & set(sys.modules)))").split())


def run(program: str) -> str:
    """Run a program in a fresh process and give what it prints."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def test_importing_loads_nothing():
    assert loaded_by("import tf2numpy; dir(tf2numpy); tf2numpy.__version__; tf2numpy.DatasetError") == set()


def test_arrays_and_files_load_no_tensorflow(tmp_path):
    program = (
        "import numpy as np, tf2numpy as t2n\nx = np.arange(3)\n"
        "t2n.to_numpy({'a': x}); list(t2n.iter_chunks(x)); t2n.plan(x)\n"
        f"t2n.save(x, {str(tmp_path / 'x.npy')!r}); t2n.to_numpy(x, spill={str(tmp_path / 'y.npy')!r})"
    )
    assert {"tensorflow", "keras", "h5py", "tqdm"} & loaded_by(program) == set()


def test_verifying_loads_no_reader_of_ours(tmp_path):
    found = [
        suffix
        for suffix, row in _registry.SINKS.items()
        if suffix != "dir" and importlib.util.find_spec(row.library) is not None
    ]
    program = (
        "import sys, numpy as np, tf2numpy as t2n\n"
        f"for suffix in {found}: t2n.save(np.arange(3), {str(tmp_path / 'x')!r} + suffix, verify=True)\n"
        f"t2n.save(np.arange(3), {str(tmp_path / 'x')!r}, format='dir', verify=True)\n"
        "ours = lambda: print(*(name for name in sys.modules if name.startswith('tf2numpy.formats')))\n"
        f"ours(); print('-'); t2n.open({str(tmp_path / 'x.npy')!r}); ours()"
    )
    before, after = run(program).split("-")
    assert before.split() == []
    assert "tf2numpy.formats.npy" in after.split()


def test_control_of_what_is_loaded(tf):
    assert {"tensorflow", "numpy"} <= loaded_by("import tf2numpy, tensorflow")
    assert "numpy" in loaded_by("import tf2numpy; tf2numpy.to_numpy")


def test_the_public_names_agree():
    (block,) = (
        node
        for node in ast.parse((ROOT / "__init__.py").read_text()).body
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
    )
    for_checkers = {alias.name for statement in block.body for alias in statement.names}
    assert for_checkers | {"__version__"} == set(tf2numpy.__all__) == set(dir(tf2numpy))
    assert sorted(tf2numpy.__all__) == tf2numpy.__all__
    with pytest.raises(AttributeError, match=r"^module 'tf2numpy' has no attribute 'toNumpy'$"):
        tf2numpy.toNumpy  # noqa: B018


@pytest.mark.parametrize("name", sorted(set(tf2numpy.__all__) - {"__version__"}))
def test_every_public_name_is_documented(name):
    value = getattr(tf2numpy, name)
    assert value.__doc__
    assert value.__name__ == name
    assert value.__doc__.strip().partition("\n")[0].endswith(".")
