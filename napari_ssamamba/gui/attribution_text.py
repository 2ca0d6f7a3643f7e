"""What the attribution says, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_ssamamba.gui.confusion_model import cell_text

if TYPE_CHECKING:
    from napari_ssamamba.audit.attribution import Masking
    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.session import Session
    from napari_ssamamba.session.attribution import Explanation

STRONG = 0.005
"""Change of a probability below which nothing is said to rise or fall."""


def explained_text(session: Session, found: Explanation) -> str:
    """Say what the bars add up to, and of what."""
    a, checkpoint = found.attribution, _explained_model(session)
    if checkpoint is None:
        return ""
    p = f"p({_name(checkpoint.classes, a.target)})"
    who = f"Mean of {len(a.pixels)} of {found.total:,} selected pixels"
    if found.total == 1 and len(a.pixels) == 1:
        row, column = a.pixels[0].tolist()
        who = f"Pixel {row}, {column}"
    return (
        f"{who}, {maker_text(session, a.members)}: {p} {a.probability:.2f} = {a.baseline:.2f} at "
        f"the scene's mean {a.values.sum():+.2f} of the bands (residual {a.residual:+.3f})"
    )


def maker_text(session: Session, members: str) -> str:
    """Say what is explained: the network, or the map's mixture with its weights."""
    checkpoint = _explained_model(session)
    mixture = None if checkpoint is None else checkpoint.record.mixture
    if members == "network" or checkpoint is None or checkpoint.expert is None or mixture is None:
        return "network"
    share = round(100 * mixture.network_share)
    return f"the map's mixture (network {share} %, spectral expert {100 - share} %)"


def masking_text(session: Session, masking: Masking) -> str:
    """Say what masking bands did, as it was computed."""
    checkpoint = _explained_model(session)
    if checkpoint is None:
        return ""
    if not masking.bands.size:
        return f"No band that the model reads lies in {range_text(session, masking)}."
    classes = checkpoint.classes
    change = masking.after - masking.before
    verb = "lowers" if change < -STRONG else "raises" if change > STRONG else "leaves"
    p = f"p({_name(classes, masking.target)})"
    where = range_text(session, masking)
    said = f"Masking {where} {verb} {p} from {masking.before:.2f} to {masking.after:.2f}"
    if verb == "leaves":
        said = f"Masking {where} leaves {p} at {masking.after:.2f}"
    if masking.instead is None:
        return f"{said}; mapped as before"
    instead = _name(classes, masking.instead)
    if masking.n == 1:
        return f"{said}; then mapped as {instead}"
    return f"{said}; {masking.changed} of {masking.n} then mapped otherwise, mostly {instead}"


def range_text(session: Session, masking: Masking) -> str:
    """Name a range of bands."""
    cube = session.cube
    if cube is None or cube.wavelengths is None:
        return f"bands {masking.low:.0f}–{masking.high:.0f}"
    return f"{masking.low:.0f}–{masking.high:.0f} nm"


def selection_text(session: Session) -> tuple[str, str]:
    """Say how far the selection and its two classes are apart: in a line, and explained."""
    audit, curves = session.audit, session.curves
    if audit.cell is None or audit.confusion is None:
        return "", ""
    parts = [cell_text(audit.confusion, audit.cell)]
    parts += _angles(session)
    explained = "Spectral angles are between means of the values."
    pair = curves.pair
    if pair is not None:
        parts.append(
            f"classes {pair.angle:.1f}° apart, JM {pair.jeffries_matusita:.2f} of 2 "
            f"(shuffled {pair.control:.2f})"
        )
        explained += (
            f" JM is the Jeffries-Matusita distance of both classes' training labels, "
            f"{pair.counts[0]:,} and {pair.counts[1]:,} pixels in {pair.bands} bands: 0 the same, "
            f"2 no overlap. Covariances are shrunken, by {pair.shrinkages[0]:.2f} and "
            f"{pair.shrinkages[1]:.2f} (Ledoit & Wolf). Shuffled: the same pixels dealt to the "
            "classes at random; with few pixels that is far above 0, and a distance near it means "
            "nothing."
        )
    elif curves.pair_refusal:
        parts.append("no separability")
        explained += f" No separability: {curves.pair_refusal}"
    if curves.singles is not None:
        parts.append(f"{len(curves.singles.pixels)} of {curves.singles.total:,} single")
    if audit.spectrum is not None:
        parts.append(f"dashed: mean ± 1 sd of {audit.spectrum.n:,} read")
    return " · ".join(parts), explained


def _angles(session: Session) -> list[str]:
    """Say how far the selection's mean is from those of its two classes."""
    from napari_ssamamba.audit.separability import spectral_angle

    audit = session.audit
    if audit.cell is None or audit.spectrum is None or session.curves.view != "values":
        return []
    said = []
    for id in dict.fromkeys((audit.cell.reference, audit.cell.predicted)):
        mean = session.class_spectra.get(id)
        if mean is not None and mean.view == "values" and id in session.classes:
            angle = spectral_angle(audit.spectrum.mean, mean.mean)
            said.append(f"{angle:.1f}° from {session.classes[id].name}")
    return said


def _explained_model(session: Session) -> Checkpoint | None:
    """Return the model that the attribution is of, which may not be the newest."""
    model = session.evidence.model()
    return None if model is None else model[0]


def _name(classes: ClassTable, id: int) -> str:
    return classes[id].name if id in classes else str(id)
