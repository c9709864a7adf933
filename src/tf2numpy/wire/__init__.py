"""Decoders of the bytes that TensorFlow's files are made of: bytes in, plain values and arrays out.

Files, paths and sources may not enter: where bytes come from and what becomes of them is for `formats`. Every length
is bounded by what is there before it is used, and whatever does not add up is a `FormatError` that names its offset.
"""
