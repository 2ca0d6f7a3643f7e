"""The program: its commands, and how its errors are told."""

from __future__ import annotations

import io
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from napari_ssamamba.cli.audit import audit
from napari_ssamamba.cli.benchmark import benchmark
from napari_ssamamba.cli.compare import compare
from napari_ssamamba.cli.demo import demo
from napari_ssamamba.cli.evaluate import evaluate
from napari_ssamamba.cli.info import info
from napari_ssamamba.cli.inputs import Errors
from napari_ssamamba.cli.predict import predict
from napari_ssamamba.cli.train import train
from napari_ssamamba.cli.viewer import open_scene
from napari_ssamamba.errors import SSAMambaError

if TYPE_CHECKING:
    from collections.abc import Sequence

BAD_INPUT = 2
"""Exit code for bad usage or input; 130, the shells' convention, is that of Ctrl-C."""

SIGNALLED = 128
"""The shells' convention: exit code for the signal 0, from which those of others count."""


class Program(TyperGroup):
    """The commands, with errors told in one line."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command; what the user can put right becomes one line and exit code 2."""
        errors = Errors()
        _print_anything()
        try:
            code = super().main(
                args, prog_name, complete_var, False, windows_expand_args, obj=errors, **extra
            )
        except typer.TyperException as error:
            _tell(error.format_message(), errors)
            code = BAD_INPUT
        except (SSAMambaError, OSError) as error:
            _tell(str(error), errors)
            code = BAD_INPUT
        if standalone_mode:
            sys.exit(code)
        return code


def _print_anything() -> None:
    r"""Let what an encoding lacks be printed as ``\u03ba``, in the place of an error.

    On Windows a file or a program that output is sent to gets the system's code page, in which a
    class's name, or the κ of a table, may be missing: hours of work would end with its last line.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _tell(message: str, errors: Errors) -> None:
    """Print the error in one line; with ``--debug`` after its traceback."""
    if errors.debug:
        traceback.print_exc()
    typer.echo(f"error: {' '.join(message.split())}", err=True)


app = typer.Typer(
    name="ssamamba",
    cls=Program,
    help="Classify hyperspectral scenes with SSA-Mamba.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("open")(open_scene)
app.command()(demo)
app.command()(info)
app.command()(train)
app.command()(predict)
app.command()(evaluate)
app.command()(audit)
app.command()(benchmark)
app.command()(compare)


def main() -> None:
    """Run the command line, which ends in order when it is told to.

    A batch system whose time is up, or a terminal that closes, would else end it where it stands:
    what it has begun would stay on the disk, and the last seconds of a map would be lost.
    """
    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:  # else as nohup wants
            signal.signal(number, _end)
    app()


def _end(number: int, _: object) -> None:
    raise SystemExit(SIGNALLED + number)
