"""Run by test_distributed: values that lie in the memory of other tasks, on servers in this very process."""

import json
import os
import socket

import numpy as np
import tensorflow as tf

import tf2numpy as t2n


def start_cluster():
    sockets = [socket.socket() for _ in range(4)]
    for each in sockets:
        each.bind(("localhost", 0))
    chief, worker, *servers = [f"localhost:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    cluster = {"chief": [chief], "worker": [worker], "ps": servers}
    for job, task in (("worker", 0), ("ps", 0), ("ps", 1)):
        tf.distribute.Server(cluster, job_name=job, task_index=task, protocol="grpc", start=True)
    os.environ["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": {"type": "chief", "index": 0}})
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver(rpc_layer="grpc")
    partitioner = tf.distribute.experimental.partitioners.FixedShardsPartitioner(2)
    return tf.distribute.ParameterServerStrategy(resolver, variable_partitioner=partitioner)


def refuses_a_view(value):
    try:
        t2n.to_numpy(value, copy=False)
    except t2n.CopyRequired:
        return True
    return False


strategy = start_cluster()
coordinator = tf.distribute.experimental.coordinator.ClusterCoordinator(strategy)
whole = np.arange(12, dtype="f4").reshape(6, 2)
with strategy.scope():
    sharded, scalar = tf.Variable(whole), tf.Variable(3.0)

# Shards on two servers: nothing crosses before it is read, and pieces are cut over there.
assert type(sharded).__name__ == "ShardedVariable"
assert t2n.plan(sharded).device == "/job:ps/replica:0/task:0/device:CPU:0, /job:ps/replica:0/task:1/device:CPU:0"
for copy in (True, None):
    found = t2n.to_numpy(sharded, copy=copy)
    assert (found == whole).all()
    assert found.flags.writeable
pieces = list(t2n.iter_chunks(sharded, max_bytes=32))
assert [piece.index[0] for piece in pieces] == [slice(0, 2), slice(2, 3), slice(3, 5), slice(5, 6)]
assert np.array_equal(np.concatenate([piece.value for piece in pieces]), whole)
assert t2n.to_numpy(scalar) == 3
assert refuses_a_view(scalar)
assert refuses_a_view(sharded)

# What functions on the worker return.
ragged = t2n.to_numpy(coordinator.schedule(tf.function(lambda: tf.ragged.constant([[1], [2, 3]]))))
assert ragged.to_list() == [[1], [2, 3]]
remote = coordinator.schedule(tf.function(lambda: {"a": tf.constant([1, 2]), "b": tf.constant(["x"])}))
found = t2n.to_numpy({"result": remote})["result"]
assert (found["a"].tolist(), found["b"].tolist()) == ([1, 2], [b"x"])

# Plain tensors over there.
with tf.device("/job:ps/replica:0/task:0/device:CPU:0"):
    numbers, text = tf.constant([1.0, 2.0, 3.0]) + 1, tf.identity(tf.constant(["a", "b"]))
    brains = tf.cast(numbers, tf.bfloat16)
for _ in range(2):
    found = t2n.to_numpy(numbers)
    assert found.tolist() == [2.0, 3.0, 4.0]
    found.fill(0)  # it is nobody else's
assert numbers.numpy().tolist() == [2.0, 3.0, 4.0]
assert [piece.value.tolist() for piece in t2n.iter_chunks(numbers, max_bytes=16)] == [[2.0, 3.0], [4.0]]
assert refuses_a_view(numbers)
assert t2n.to_numpy(brains).astype("f4").tolist() == [2.0, 3.0, 4.0]
assert t2n.to_numpy(text).tolist() == [b"a", b"b"]
assert t2n.plan(text).device == "/job:ps/replica:0/task:0/device:CPU:0"

print("all is well", flush=True)
os._exit(0)  # the servers would run on
