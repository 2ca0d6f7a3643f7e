"""The command line, as the tests of its commands call it."""

from __future__ import annotations

import json
from typing import Any

from typer.testing import CliRunner

from napari_ssamamba.cli import app


def ssamamba(*arguments: object) -> Any:
    """Run a command; see `click.testing.Result`."""
    return CliRunner().invoke(app, [str(a) for a in arguments])


def values_of(*arguments: object) -> dict[str, Any]:
    """Run with --json and return the one object on stdout."""
    result = ssamamba(*arguments, "--json")
    assert result.exit_code == 0, result.output
    values: dict[str, Any] = json.loads(result.stdout)  # fails where there is anything beside it
    return values
