"""Live TensorFlow values become sources: one small file a kind, each named by a row of `_registry.KINDS`."""
