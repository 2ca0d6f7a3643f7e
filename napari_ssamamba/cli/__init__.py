"""The command line, ``ssamamba``: one file a command.

Results go to stdout, progress to stderr; the exit code is 0, or 2 for what the user can put right.
"""

from napari_ssamamba.cli.app import app, main

__all__ = ["app", "main"]
