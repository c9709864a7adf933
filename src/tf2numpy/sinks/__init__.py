"""Destinations: one small file a format, each named by a row of `_registry.SINKS`."""
