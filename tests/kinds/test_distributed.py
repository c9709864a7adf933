import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import KindSuite, assert_equal, fails, from_ragged


@pytest.fixture(scope="module")
def strategy(tf):
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


class TestMirroredVariable(KindSuite):
    kind = "variable"

    def scope(self, tf):
        return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope()

    def values(self, tf):
        with self.scope(tf):
            return [tf.Variable([[1.0, 2.0], [3.0, 4.0]]), tf.Variable(tf.cast([5, 6], tf.bfloat16)), tf.Variable(7)]

    def large(self, tf):
        with self.scope(tf):
            return tf.Variable(tf.random.uniform([512, 2048]))

    def expected(self, tf, value):
        return np.asarray(value.numpy())


class TestShardedVariable(KindSuite):
    kind = "sharded variable"
    views = False

    def sharded(self, tf, *shards):
        from tensorflow.python.distribute.sharded_variable import ShardedVariable

        return ShardedVariable([tf.Variable(shard) for shard in shards])

    def values(self, tf):
        return [
            self.sharded(tf, [[0.0, 1.0]], [[2.0, 3.0], [4.0, 5.0]]),
            self.sharded(tf, tf.cast([1], tf.bfloat16), tf.cast([2, 3], tf.bfloat16), tf.cast([4], tf.bfloat16)),
        ]

    def large(self, tf):
        return self.sharded(tf, *(tf.random.uniform([256, 1024]) for _ in range(4)))

    def expected(self, tf, value):
        return np.concatenate([shard.numpy() for shard in value.variables])


AGGREGATIONS = {"SUM": 3.0, "MEAN": 1.5, "ONLY_FIRST_REPLICA": 1.0}


def on_read(tf, strategy, aggregation):
    with strategy.scope():
        variable = tf.Variable(
            0.0,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=getattr(tf.VariableAggregation, aggregation),
            name="seen",
        )
    strategy.run(lambda: variable.assign(1.0 + tf.cast(replica(tf), tf.float32)))
    return variable


def replica(tf):
    return tf.distribute.get_replica_context().replica_id_in_sync_group


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_sync_on_read(tf, strategy, aggregation):
    variable = on_read(tf, strategy, aggregation)
    assert variable.numpy() == AGGREGATIONS[aggregation]
    assert_equal(t2n.to_numpy(variable), np.array(AGGREGATIONS[aggregation], "f4"))
    assert t2n.plan(variable).kind == "variable"


def test_sync_on_read_without_an_aggregation(tf, strategy):
    variable = on_read(tf, strategy, "NONE")
    with fails(
        t2n.UnsupportedKind,
        "the variable 'seen:0' has a value of its own on each replica, and no aggregation that joins them; "
        "convert its values one by one: to_numpy(x.values)",
    ):
        t2n.to_numpy(variable)
    assert_equal(t2n.to_numpy(variable.values), (np.array(1, "f4"), np.array(2, "f4")))


def per_replica(strategy, function):
    return strategy.experimental_distribute_values_from_function(lambda c: function(c.replica_id_in_sync_group))


def test_replicas_stay_apart_by_default(tf, strategy):
    value = strategy.run(lambda: tf.fill([2, 3], tf.cast(replica(tf), tf.float32)))
    assert type(value).__name__ == "PerReplica"
    zeros, ones = np.zeros((2, 3), "f4"), np.ones((2, 3), "f4")
    assert_equal(t2n.to_numpy(value), (zeros, ones))
    assert_equal(t2n.to_numpy(value, replicas="concat"), np.concatenate([zeros, ones]))
    assert_equal(t2n.to_numpy(value, replicas="stack"), np.stack([zeros, ones]))
    assert_equal(t2n.to_numpy(value, replicas="first"), zeros)
    assert_equal(t2n.to_numpy({"k": [value]}, replicas="stack"), {"k": [np.stack([zeros, ones])]})
    plan = t2n.plan(value)
    assert (plan.kind, list(plan.arrays), plan.device) == ("per-replica value", ["0", "1"], "CPU:0, CPU:1")
    chunks = list(t2n.iter_chunks(value, max_bytes=24, replicas="concat"))
    assert [c.value.tolist() for c in chunks] == [[[0.0] * 3], [[0.0] * 3], [[1.0] * 3], [[1.0] * 3]]
    assert [c.index[0] for c in chunks] == [slice(i, i + 1) for i in range(4)]


def test_replicas_of_different_shape(tf, strategy):
    value = per_replica(strategy, lambda i: tf.ones([i + 1, 2]))
    assert_equal(t2n.to_numpy(value), (np.ones((1, 2), "f4"), np.ones((2, 2), "f4")))
    assert_equal(t2n.to_numpy(value, replicas="concat"), np.ones((3, 2), "f4"))
    with fails(
        t2n.InvalidArgument,
        "replicas='stack' cannot join the shapes (1, 1, 2), (1, 2, 2); leave replicas out to get one array per replica",
    ):
        t2n.to_numpy(value, replicas="stack")
    with fails(
        t2n.InvalidArgument,
        "replicas='concat' cannot join the shapes (2, 1), (2, 2); leave replicas out to get one array per replica",
    ):
        t2n.to_numpy(per_replica(strategy, lambda i: tf.ones([2, i + 1])), replicas="concat")


def test_replicas_of_scalars_and_strings(tf, strategy):
    value = per_replica(strategy, lambda i: tf.constant(float(i)))
    assert_equal(t2n.to_numpy(value), (np.array(0, "f4"), np.array(1, "f4")))
    assert_equal(t2n.to_numpy(value, replicas="stack"), np.array([0, 1], "f4"))
    with fails(
        t2n.InvalidArgument,
        "replicas='concat' cannot join the shapes (), (); leave replicas out to get one array per replica, "
        "or pass replicas='stack'",
    ):
        t2n.to_numpy(value, replicas="concat")
    text = per_replica(strategy, lambda i: tf.constant([f"{i}", "x"]))
    assert t2n.to_numpy(text, replicas="concat").tolist() == [b"0", b"x", b"1", b"x"]
    assert t2n.to_numpy(text, replicas="stack").tolist() == [[b"0", b"x"], [b"1", b"x"]]


def test_replicas_of_ragged_values(tf, strategy):
    value = per_replica(strategy, lambda i: tf.ragged.constant([[1] * i, [2, 3]]))
    parts = tuple(from_ragged(part) for part in value.values)
    assert_equal(t2n.to_numpy(value), parts)
    assert_equal(t2n.to_numpy(value, replicas="first"), parts[0])
    assert_equal(t2n.to_numpy(value, replicas="concat"), from_ragged(tf.concat(value.values, 0)))
    with fails(
        t2n.InvalidArgument,
        "replicas='stack' cannot join a ragged tensor of each replica; "
        "leave replicas out to get one result per replica, or pass replicas='first'",
    ):
        t2n.to_numpy(value, replicas="stack")


def test_replicas_of_sparse_values(tf, strategy):
    value = per_replica(strategy, lambda i: tf.SparseTensor([[i, 1]], [5 + i], [2, 3]))
    joined = tf.sparse.to_dense(tf.sparse.concat(0, list(value.values)))
    assert_equal(t2n.to_numpy(value, replicas="concat").to_dense(), joined.numpy())


def test_replicas_of_different_dtype(tf, strategy):
    value = per_replica(strategy, lambda i: tf.constant([1], [tf.int32, tf.float32][i]))
    with fails(t2n.UnsupportedKind, "the parts of this per-replica value differ in dtype: ['int32', 'float32']"):
        t2n.to_numpy(value, replicas="concat")


def test_a_replica_that_cannot_be_converted_is_named(tf, strategy):
    value = per_replica(strategy, lambda i: tf.Variable(1.0).handle)
    with pytest.raises(t2n.UnsupportedKind, match=r"^at x\['k'\]\.values\[0\]: this tensor of shape \(\) holds a res"):
        t2n.to_numpy({"k": value})


def test_no_such_way_to_join(tf):
    with fails(
        t2n.InvalidArgument,
        "replicas='mean' is not a way to join replicas; it is None, 'concat', 'stack' or 'first'",
    ):
        t2n.to_numpy(tf.constant([1]), replicas="mean", dtype="f4")


def test_distributed_datasets_are_refused(tf, strategy):
    dataset = tf.data.Dataset.range(4).batch(2)
    for value in (
        strategy.experimental_distribute_dataset(dataset),
        strategy.distribute_datasets_from_function(lambda context: dataset),
    ):
        message = (
            f"{type(value).__name__} deals its elements out to replicas, so they have no single order; "
            "give the dataset that was distributed"
        )
        with fails(t2n.UnsupportedKind, message):
            t2n.to_numpy(value)
    element = next(iter(strategy.experimental_distribute_dataset(dataset)))
    assert_equal(t2n.to_numpy(element, replicas="concat"), np.array([0, 1]))
    with fails(
        t2n.UnsupportedKind,
        f"{type(iter(dataset)).__name__} is an iterator, which reading would use up; give the dataset it iterates over",
    ):
        t2n.to_numpy(iter(dataset))


@pytest.mark.tf
def test_a_cluster():
    """A worker and two parameter servers in one process: what `cluster.py` checks."""
    program = Path(__file__).with_name("cluster.py")
    environment = {**os.environ, "GRPC_VERBOSITY": "NONE"}
    run = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=120, env=environment)
    assert run.stdout.endswith("all is well\n"), run.stdout + run.stderr[-4000:]
