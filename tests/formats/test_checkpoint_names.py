"""A checkpoint of any tree of objects gives the names and values that to_numpy gives of the live one."""

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tf2numpy as t2n
from conformance.arrays import assert_same

NAMES = st.text(st.sampled_from("ab_./é-1"), min_size=1, max_size=4) | st.sampled_from(["weights", "layer-1", "x.Sy"])
TREES = st.recursive(
    st.sampled_from(["variable", "again"]),
    lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3) | st.lists(inner, min_size=1, max_size=3),
    max_leaves=8,
)


def tracked(tf, tree, made):
    """Make the objects of a tree: modules, lists, variables of differing values, some of them there already."""
    if tree == "variable" or (tree == "again" and not made):
        made.append(tf.Variable(float(len(made)), name=f"v{len(made) % 2}"))
        return made[-1]
    if tree == "again":
        return made[0]
    if isinstance(tree, list):
        return [tracked(tf, inner, made) for inner in tree]
    return {name: tracked(tf, inner, made) for name, inner in tree.items()}


def plain(name):
    return re.sub(r"_\d+$", "", name)


@pytest.mark.tf
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=st.dictionaries(st.from_regex(r"[a-z_]{1,3}", fullmatch=True), TREES, min_size=1, max_size=3))
def test_names_of_live_objects(tf, tmp_path_factory, tree):
    folder = tmp_path_factory.mktemp("names")
    module, made = tf.Module(), []
    for name, inner in tree.items():
        setattr(module, f"at_{name}", tracked(tf, inner, made))
    tf.train.Checkpoint(module).write(str(folder / "ck"))
    live = t2n.to_numpy(module)
    file = t2n.open(folder / "ck")
    assert sorted(np.asarray(file[name]).tolist() for name in file) == sorted(a.tolist() for a in live.values())
    for name, array in live.items():
        if [plain(other) for other in live].count(plain(name)) == 1:  # a/b and {"a": {"b"}} are written alike
            assert_same(np.asarray(file[name]), array)
