"""What the tests of hidden files share: one that is filled, and waits to be published."""

from tf2numpy.sinks._atomic import AtomicFile


def make(path, content=b"new", **options):
    file = AtomicFile(path, **{"overwrite": False, **options})
    file.create(len(content))
    with file.guard():
        file.pwrite(content, 0)
    return file
