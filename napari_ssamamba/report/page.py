"""From findings to the page: one file of HTML that holds all it shows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba import __version__
from napari_ssamamba.data.labels import count_labels
from napari_ssamamba.events import Progress
from napari_ssamamba.report import facts
from napari_ssamamba.report.findings import AuditCase, Findings, find
from napari_ssamamba.report.pictures import (
    LEARNED,
    LONGEST_SIDE,
    RIGHT,
    WRONG,
    class_picture,
    crop,
    error_picture,
    png_data,
    step_for,
)
from napari_ssamamba.report.plots import Plots

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from napari_ssamamba.audit.confusion import Confusion
    from napari_ssamamba.data.classes import LandClass
    from napari_ssamamba.report.findings import ConfusionFinding

TEMPLATE = "audit.html.jinja"


@dataclass(frozen=True, slots=True, eq=False)
class AuditReport:
    """An audit as a page.

    Attributes
    ----------
    html : str
        Needs no other file and no network.
    confusion : Confusion
        What it tells of.
    """

    html: str
    confusion: Confusion


def audit_report(case: AuditCase) -> Generator[Progress, None, AuditReport]:
    """Audit a map and write what is found as a page.

    Parameters
    ----------
    case : AuditCase

    Yields
    ------
    Progress

    Raises
    ------
    LabelsError, BandsError
        See `find`.
    """
    findings = yield from find(case)
    plots = Plots()
    worst = []
    for done, finding in enumerate(findings.worst):
        yield Progress(done=done, total=len(findings.worst), text="Drawing confusions")
        worst.append(_worst(findings, finding, plots))
    yield Progress(text="Drawing maps")
    context = {
        "title": f"Audit of {case.cube.name}",
        "synthetic": case.synthetic,
        "made": f"{date.today():%Y-%m-%d}",
        "version": __version__,
        "scene": facts.scene_facts(case),
        "maps": _maps(findings, plots),
        "legend": _legend(findings),
        "step": step_for(case.cube.shape),
        "longest": LONGEST_SIDE,
        "colours": {"right": RIGHT, "wrong": WRONG, "learned": LEARNED},
        "truth": facts.truth_facts(findings),
        "independence": facts.independence(findings),
        "by_distance": facts.by_distance(findings),
        "figures": _figures(findings.confusion),
        "classes": list(findings.confusion.classes),
        "matrix": _matrix(findings.confusion),
        "per_class": list(_per_class(findings)),
        "n": findings.confusion.accuracy.n,
        "model": facts.model_facts(case),
        "mixture": facts.mixture_rows(case),
        "mixture_record": case.checkpoint.record.mixture,
        "curves": _curves(case, plots),
        "validated": any(e.validation_loss is not None for e in case.checkpoint.record.history),
        "worst": worst,
        "errors": int((~findings.right).sum()),
        "confusions": len(findings.confusion.worst()),
        "spectra_of": "training pixels" if findings.spectra_learned else "the reference",
        "attention_note": facts.attention_note(findings),
        "tokens": None
        if case.checkpoint.model.attention == "none"
        else case.checkpoint.model.tokens,
    }
    return AuditReport(render(context), findings.confusion)


def render(context: dict[str, Any]) -> str:
    """Fill the template; names are escaped, and nothing that it asks for may be missing."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("napari_ssamamba.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": facts.count,
        "pixels": facts.pixels,
        "one_decimal": _one_decimal,
    }
    return environment.get_template(TEMPLATE).render(context)


def _one_decimal(value: float) -> str:
    """Write an accuracy; a dash where it is not known."""
    return "–" if math.isnan(value) else f"{value:.1f}"


def _drawn(svg: str) -> Any:
    """Mark an SVG of ours as safe: it holds no text from files."""
    from markupsafe import Markup

    return Markup(svg)


def _maps(findings: Findings, plots: Plots) -> list[dict[str, Any]]:
    """Draw map, composite, reference and errors."""
    case = findings.case
    cube, step = case.cube, step_for(case.cube.shape)
    pictures = {
        "Map": (
            class_picture(case.class_map.ids, case.class_map.classes),
            f"{facts.pixels(case.class_map.pixels)} have a class.",
        ),
        "Composite": (
            findings.composite[::step, ::step],
            f"{findings.preset.capitalize()}, 2nd to 98th percentile of each channel.",
        ),
        "Reference": (
            class_picture(case.reference.ids, case.reference.classes),
            f"{case.reference.name}, pixels that were trained on included.",
        ),
        "Right and wrong": (error_picture(findings), ""),
    }
    metres = facts.pixel_metres(cube)
    return [
        {"name": name, "text": text, "svg": _drawn(plots.scene(picture, cube, metres))}
        for name, (picture, text) in pictures.items()
    ]


def _legend(findings: Findings) -> list[tuple[LandClass, int | None, float, int]]:
    """List the classes with the pixels that map and reference have of them."""
    case = findings.case
    mapped = count_labels(case.class_map.ids, case.class_map.classes)
    labelled = count_labels(case.reference.ids, case.reference.classes)
    others = [c for c in case.class_map.classes if c.id not in case.reference.classes]
    return [
        (
            land_class,
            mapped.get(land_class.id),
            100.0 * mapped.get(land_class.id, 0) / max(case.class_map.pixels, 1),
            labelled.get(land_class.id, 0),
        )
        for land_class in (*case.reference.classes, *others)
    ]


def _figures(confusion: Confusion) -> list[tuple[str, str, str]]:
    """Return overall figures with their intervals."""
    accuracy = confusion.accuracy
    rows = (
        ("Overall accuracy", accuracy.oa, confusion.oa_interval, " %"),
        ("Average accuracy", accuracy.aa, confusion.aa_interval, " %"),
        ("κ × 100", accuracy.kappa, confusion.kappa_interval, ""),
    )
    return [
        (name, "not defined", "one class only")
        if math.isnan(value)
        else (name, f"{value:.1f}{unit}", f"{interval}{unit}")
        for name, value, interval, unit in rows
    ]


def _matrix(confusion: Confusion) -> list[tuple[LandClass, list[dict[str, Any]], int]]:
    """Return rows of cells with count, share of the row, and depth of colour."""
    totals = confusion.matrix.sum(axis=1)
    shares = 100.0 * confusion.matrix / np.maximum(totals[:, None], 1)
    return [
        (
            land_class,
            [
                {
                    "n": int(n),
                    "share": float(share),
                    # the root, on a fixed scale, so that few errors are seen, too
                    "depth": round(12 + 73 * (share / 100) ** 0.5) if n else 0,
                    "kind": "right" if i == j else "wrong",
                }
                for j, (n, share) in enumerate(zip(confusion.matrix[i], shares[i], strict=True))
            ],
            int(totals[i]),
        )
        for i, land_class in enumerate(confusion.classes)
    ]


def _per_class(findings: Findings) -> Iterator[dict[str, Any]]:
    """Return each class's pixels, producer's and user's accuracy with intervals, and F1."""
    confusion = findings.confusion
    in_truth, in_map = confusion.matrix.sum(axis=1), confusion.matrix.sum(axis=0)
    for i, land_class in enumerate(confusion.classes):
        yield {
            "land_class": land_class,
            "n": int(in_truth[i]),
            "mapped": int(in_map[i]),
            "producers": float(confusion.accuracy.recall[i]),
            "producers_interval": confusion.producers_intervals[i].tolist(),
            "users": float(confusion.users_accuracy[i]),
            "users_interval": confusion.users_intervals[i].tolist(),
            # 2 PA UA / (PA + UA), written so that it is defined wherever one of them is
            "f1": 200.0 * int(confusion.matrix[i, i]) / max(int(in_truth[i] + in_map[i]), 1),
        }


def _curves(case: AuditCase, plots: Plots) -> Any:
    history = case.checkpoint.record.history
    return _drawn(plots.learning_curves(history)) if history else None


def _worst(findings: Findings, finding: ConfusionFinding, plots: Plots) -> dict[str, Any]:
    """Draw one confusion: spectra, crops and attention."""
    case, classes = findings.case, findings.confusion.classes
    reference = classes[finding.cell.reference]
    predicted = classes[finding.cell.predicted]
    spectra = [(c, findings.spectra.get(c.id)) for c in (reference, predicted)]
    right = findings.right_attention.get(finding.cell.reference)
    confidence = case.class_map.confidence
    return {
        "finding": finding,
        "reference": reference,
        "predicted": predicted,
        "spectra": spectra,
        "spectra_svg": _drawn(
            plots.spectra(case.cube, finding.spectrum, [(s, c.color) for c, s in spectra])
        ),
        "crops": [
            {
                "row": row,
                "column": column,
                "confidence": float(confidence[row, column]),
                "data": png_data(
                    crop(case, findings.composite, (row, column), reference, predicted)
                ),
            }
            for row, column in finding.examples.tolist()
        ],
        "right": right,
        "attention_svg": None
        if finding.attention is None
        else _drawn(plots.attention([finding.attention, right])),
    }
