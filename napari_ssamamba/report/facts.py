"""What the page says of scene, pixels that count, and model: names and values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.classes import UNLABELLED

if TYPE_CHECKING:
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.report.findings import AuditCase, Findings

Facts = list[tuple[str, str]]

MADE_BY = {
    "mixed": "the network and the spectral expert, mixed",
    "network": "the network alone, as was asked for",
    "expert": "the spectral expert alone, as was asked for",
}


def count(number: int) -> str:
    """Write a number with commas at the thousands."""
    return f"{number:,}"


def pixels(number: int) -> str:
    """Write a number of pixels."""
    return f"{number:,} pixel" if number == 1 else f"{number:,} pixels"


def pixel_metres(cube: Cube) -> float | None:
    """Return the side of a pixel in metres; None where the CRS is not a projected one."""
    if cube.crs is None or cube.transform is None:
        return None
    from rasterio.crs import CRS

    crs = CRS.from_user_input(cube.crs)
    if not crs.is_projected:
        return None
    _, metres = crs.linear_units_factor
    return math.hypot(cube.transform[1], cube.transform[4]) * float(metres)


def scene_facts(case: AuditCase) -> Facts:
    """Say what the scene is."""
    cube, side = case.cube, pixel_metres(case.cube)
    facts = [
        ("Scene", cube.name),
        ("Size", f"{count(cube.rows)} rows × {count(cube.columns)} columns × {cube.bands} bands"),
        ("Bands used", f"{cube.good_indices.size} of {cube.bands}"),
    ]
    if cube.wavelengths is not None:
        low, high = float(cube.wavelengths.min()), float(cube.wavelengths.max())
        facts.append(("Wavelengths", f"{low:.0f}–{high:.0f} nm"))
    facts.append(("Coordinate system", cube.crs or "not known"))
    if side is not None:
        facts.append(("Pixel", f"{side:g} m"))
    if cube.paths:
        files = ", ".join(path.name for path in cube.paths[:3])
        more = len(cube.paths) - 3
        facts.append(("Files", f"{files} and {more} more" if more > 0 else files))
    facts.append(("Mapped", f"{pixels(case.class_map.pixels)} on {case.class_map.device}"))
    return facts


def truth_facts(findings: Findings) -> Facts:
    """Say which pixels count, and how far they are from those trained on."""
    case, record = findings.case, findings.case.checkpoint.record
    labelled = int((case.reference.ids != UNLABELLED).sum())
    chosen = int((case.truth.ids != UNLABELLED).sum())
    facts = [
        ("Truth", case.truth.name),
        ("Pixels of the reference", count(labelled)),
        ("Left out: trained or validated on", count(labelled - chosen)),
    ]
    if unmapped := chosen - findings.confusion.accuracy.n:
        facts.append(("Left out: not measured, so not mapped", count(unmapped)))
    facts += [
        ("Pixels that count", count(findings.confusion.accuracy.n)),
        ("Split", record.split),
        ("Trained on", f"{pixels(record.n_train)}, {count(record.n_validation)} more validated"),
    ]
    if findings.distances is not None:
        far = findings.distances
        facts.append(
            (
                "Distance to the nearest training pixel",
                f"{far.min()} to {far.max()} pixels, median {np.median(far):g}",
            )
        )
    return facts


def independence(findings: Findings) -> str:
    """Say how independent the pixels that count are of those trained on."""
    if findings.distances is None:
        return (
            "The model was trained on another scene "
            f"({findings.case.checkpoint.record.scene}), so all pixels count. Where the two "
            "overlap, pixels that it was trained on are among them."
        )
    side = findings.case.checkpoint.model.patch_size
    share = 100.0 * float((findings.distances < side).mean())
    if share == 0:
        return (
            f"All of them lie {int(findings.distances.min())} pixels or more from training pixels: "
            f"their patches of {side} × {side} pixels do not overlap."
        )
    part = f"{share:.0f} %" if share >= 1 else "Less than 1 %"
    return (
        f"{part} of them lie so near to training pixels that their patches of {side} × "
        f"{side} pixels overlap: both see the same surroundings, so the accuracy may be higher "
        "than where nothing was labelled nearby."
    )


def by_distance(findings: Findings) -> list[tuple[str, int, float]]:
    """Split the accuracy by the distance to the nearest training pixel.

    Returns
    -------
    list of (text, n, OA in percent)
        Without distances at which there is no pixel.
    """
    if findings.distances is None:
        return []
    side = findings.case.checkpoint.model.patch_size
    edges = [1, side, 2 * side, 4 * side, 8 * side]
    rows = []
    for low, high in zip(edges, [*edges[1:], None], strict=True):
        within = findings.distances >= low
        if high is not None:
            within &= findings.distances < high
        text = f"{low} or more" if high is None else f"{low}–{high - 1}" if high - low > 1 else low
        if n := int(within.sum()):
            rows.append((f"{text}", n, 100.0 * float(findings.right[within].mean())))
    return rows


def model_facts(case: AuditCase) -> Facts:
    """Say what the model is and how it was trained."""
    record, model = case.checkpoint.record, case.checkpoint.model
    facts = [
        ("Model", case.model_name),
        ("The map was made by", MADE_BY["network" if record.mixture is None else case.members]),
        ("Trained on the scene", record.scene),
        ("Protocol", record.protocol),
        ("Seed", str(record.seed)),
        ("Epochs", str(record.epochs)),
        ("Training took", f"{record.seconds:.0f} s on {record.device}"),
        (
            "Network",
            f"{model.depth} blocks of width {model.d_model}, {model.heads} heads, "
            f"patches of {model.patch_size} × {model.patch_size}",
        ),
        ("Standardised by", record.standardisation),
    ]
    if record.validation_oa is not None:
        facts.append(("Network’s validation OA", f"{record.validation_oa:.1f} %"))
    return facts


def mixture_rows(case: AuditCase) -> list[tuple[str, float | None, float, float]]:
    """Say how good network, expert and mixture were on held-out labels.

    Returns
    -------
    list of (name, share of the weights or None, OA in percent, log-loss)
        Empty for a network alone.
    """
    mixture = case.checkpoint.record.mixture
    if mixture is None:
        return []
    share = mixture.network_share
    return [
        ("Network", share, mixture.network_oa, mixture.network_log_loss),
        ("Spectral expert", 1 - share, mixture.expert_oa, mixture.expert_log_loss),
        ("Mixed", None, mixture.mixed_oa, mixture.mixed_log_loss),
    ]


def attention_note(findings: Findings) -> str:
    """Say what part the attention has in the map; empty where there is nothing to add."""
    case = findings.case
    mixture = case.checkpoint.record.mixture
    if case.members == "expert" or (
        case.members == "mixed" and mixture is not None and mixture.network_share < 0.005
    ):
        return (
            "The network has no weight in this map, which is the spectral expert's: the attention "
            "says what the network looks at, not why the map is wrong."
        )
    return ""
