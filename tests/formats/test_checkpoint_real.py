"""Checkpoints that other people's software wrote: every checksum in them holds."""

import numpy as np
import pytest

import tf2numpy as t2n
from real_files import real

pytestmark = pytest.mark.real


def test_an_estimator(tmp_path):
    path = real("estimator_checkpoint")
    with t2n.open(path) as file, t2n.open(path, slots=True) as everything:
        assert (len(file), len(everything)) == (21, 60)
        assert file["dnn/hiddenlayer_1/kernel"].shape == (100, 70)
        assert file["global_step"][...] == 999
        assert all(np.isfinite(np.asarray(array)).all() for array in everything.values())
        with t2n.open(t2n.save(file, tmp_path / "x.safetensors", verify=True)) as again:
            assert set(again) == set(file)


def test_the_variables_of_a_model():
    with t2n.open(real("saved_model/penguin_keras/variables")) as file:
        assert len(t2n.to_numpy(file)) == 6
        assert file["layer_with_weights-0/kernel"].shape == (4, 8)
