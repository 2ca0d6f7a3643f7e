"""What commands print: progress on stderr, results on stdout."""

from __future__ import annotations

import json
import math
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table

from napari_ssamamba.events import Notice, result_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from napari_ssamamba.checkpoint import MixtureRecord
    from napari_ssamamba.events import Progress
    from napari_ssamamba.training.metrics import Accuracy

Result = TypeVar("Result")


class Unfinished(Protocol):
    """Work that is kept while it goes on."""

    @property
    def told(self) -> str:
        """What is kept of it, for the user; nothing where nothing is."""


def follow(work: Generator[Progress, None, Result]) -> Result:
    """Run long work to its end, showing how far it is, and return its result.

    The bar is shown on terminals only; notices are printed in any case.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[left]}"),
    )
    bar = ProgressBar(*columns, console=console, transient=True, disable=not console.is_terminal)
    with closing(work), bar:
        task = bar.add_task("", total=None, left="")

        def show(event: Progress) -> None:
            if isinstance(event, Notice):
                console.print(event.text, markup=False)
            bar.update(
                task,
                completed=event.done,
                total=event.total or None,
                description=event.text,
                left="" if event.seconds_left is None else f"{event.seconds_left:.0f} s left",
            )

        return result_of(work, show)


@contextmanager
def telling_what_is_kept(unfinished: Unfinished) -> Iterator[None]:
    """Where the block is cut short, say what the same command would go on from."""
    try:
        yield
    except BaseException:
        if unfinished.told:
            typer.echo(f"{unfinished.told}; the same command goes on from there.", err=True)
        raise


def print_json(values: Mapping[str, Any]) -> None:
    """Print one JSON object on stdout."""
    typer.echo(json.dumps(values, ensure_ascii=False, allow_nan=False))


def print_facts(facts: Mapping[str, object]) -> None:
    """Print names and values, one a line."""
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        typer.echo(f"{name:<{width}}  {value}")


def accuracy_values(accuracy: Accuracy) -> dict[str, Any]:
    """Return an accuracy in values that JSON can hold.

    Returns
    -------
    dict
        ``oa``, ``aa``, ``kappa`` (percent; κ is None where it is not defined), ``n``,
        ``classes`` (names), ``class_ids``, ``per_class`` (recall, percent; None where the
        reference lacks the class), ``confusion`` (rows reference, columns predicted).
    """
    return {
        "oa": accuracy.oa,
        "aa": accuracy.aa,
        "kappa": _number(accuracy.kappa),
        "n": accuracy.n,
        "classes": list(accuracy.classes.names),
        "class_ids": list(accuracy.classes.ids),
        "per_class": [_number(value) for value in accuracy.recall],
        "confusion": accuracy.confusion.tolist(),
    }


def print_accuracy(accuracy: Accuracy, title: str) -> None:
    """Print an accuracy as a table with a row for each class."""
    table = Table(title=title)
    table.add_column("class")
    table.add_column("pixels", justify="right")
    table.add_column("recall %", justify="right")
    table.add_column("most often taken for")
    names = accuracy.classes.names
    for i, name in enumerate(names):
        row = accuracy.confusion[i].copy()
        pixels = int(row.sum())
        row[i] = 0
        other = f"{names[int(row.argmax())]} ({int(row.max())})" if row.any() else ""
        recall = "" if math.isnan(accuracy.recall[i]) else f"{accuracy.recall[i]:.1f}"
        table.add_row(name, str(pixels), recall, other)
    Console().print(table, markup=False)
    kappa = "not defined" if math.isnan(accuracy.kappa) else f"{accuracy.kappa:.2f}"
    typer.echo(
        f"OA {accuracy.oa:.2f} %   AA {accuracy.aa:.2f} %   κ × 100 {kappa}   n {accuracy.n}"
    )


def mixture_values(mixture: MixtureRecord | None) -> dict[str, Any] | None:
    """Return who counts how much, in values that JSON can hold; None for a network alone."""
    return None if mixture is None else asdict(mixture) | {"network_share": mixture.network_share}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
