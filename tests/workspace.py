"""What the tests of workspaces share: one whose output is filled, and waits to be published."""

from tf2numpy._workspace import Workspace
from tf2numpy.sinks._output_file import OutputFile


def make(path, content=b"new", **options):
    workspace = Workspace(path, **{"overwrite": False, **options})
    workspace.require(len(content))
    workspace.open()
    file = OutputFile(workspace)
    with file.guard():
        file.pwrite(content, 0)
    file.sync()
    file.close()
    return workspace
