"""Every bar of the project, measured against what one would otherwise write. Run with `make bench`."""
