"""The file formats, one file each: what is in a file, as lazy sources. None may import another, a kind or a sink."""
