"""What the page of an audit shows, as numbers and arrays: nothing is drawn here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.audit.class_attention import mean_attention
from napari_ssamamba.audit.confusion import Cell, Confusion, confuse
from napari_ssamamba.audit.spectra import class_spectra
from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.composite import CompositeSettings, available_presets, compose_blocks

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.audit.class_attention import MeanAttention
    from napari_ssamamba.audit.spectra import SpectralStatistics
    from napari_ssamamba.audit.truth import Truth
    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.labels import LabelMap
    from napari_ssamamba.events import Progress
    from napari_ssamamba.prediction.class_map import ClassMap
    from napari_ssamamba.prediction.mixer import Members

WORST = 6
"""Confusions that are looked at, the largest first."""

EXAMPLES = 6
"""Wrong pixels of each that are shown, at the most."""

APART = 11
"""Examples are at least so many pixels apart, so that they show different places."""


@dataclass(frozen=True, slots=True, eq=False)
class AuditCase:
    """What is audited.

    Attributes
    ----------
    cube : Cube
    checkpoint : Checkpoint
    model_name : str
        What the user calls the model, e.g. its file's name.
    reference : LabelMap
        All of it, pixels that were trained on included; its table names and colours the classes.
    truth : Truth
        The pixels that count.
    class_map : ClassMap
        Of the whole scene.
    members : {"mixed", "network", "expert"}
        What made the map.
    """

    cube: Cube
    checkpoint: Checkpoint
    model_name: str
    reference: LabelMap
    truth: Truth
    class_map: ClassMap
    members: Members

    @property
    def own_scene(self) -> bool:
        """Whether the model was trained on this scene."""
        return self.checkpoint.is_of(self.cube)

    @property
    def synthetic(self) -> bool:
        """Whether the scene, or that of the training, was made by a program."""
        return self.cube.synthetic or self.checkpoint.record.synthetic


@dataclass(frozen=True, slots=True, eq=False)
class ConfusionFinding:
    """One cell off the diagonal.

    Attributes
    ----------
    cell : Cell
    n : int
        Its pixels.
    share : float
        Percent of the reference class's pixels.
    spectrum : SpectralStatistics or None
        Of its pixels; None where none has half of its bands.
    examples : ndarray of int32, shape (k, 2)
        Row and column of the most confident pixels, at least `APART` from each other.
    attention : MeanAttention or None
        Over its pixels; None for a network without attention.
    """

    cell: Cell
    n: int
    share: float
    spectrum: SpectralStatistics | None
    examples: NDArray[np.int32]
    attention: MeanAttention | None


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """All that the page shows.

    Attributes
    ----------
    case : AuditCase
    confusion : Confusion
    distances : ndarray of int32, shape (n,), or None
        How far each pixel that counts lies from the nearest training pixel, in the order of
        ``confusion.order``; None on another scene than that of the training.
    right : ndarray of bool, shape (n,)
        Whether map and truth agree there.
    preset : str
        What the composite shows.
    composite : ndarray of uint8, shape (rows, columns, 4)
    spectra : dict
        Class id to the spectra of its training pixels; of the reference's where `spectra_learned`
        is false.
    spectra_learned : bool
        Whether the scene has training pixels of which it is known as what they were learned.
    worst : tuple of ConfusionFinding
        The largest first.
    right_attention : dict
        Reference class to the mean attention of its pixels that are mapped rightly.
    """

    case: AuditCase
    confusion: Confusion
    distances: NDArray[np.int32] | None
    right: NDArray[np.bool_]
    preset: str
    composite: NDArray[np.uint8]
    spectra: dict[int, SpectralStatistics]
    spectra_learned: bool
    worst: tuple[ConfusionFinding, ...]
    right_attention: dict[int, MeanAttention]


def find(case: AuditCase) -> Generator[Progress, None, Findings]:
    """Compute what the page shows; the scene is read block by block.

    Parameters
    ----------
    case : AuditCase

    Yields
    ------
    Progress

    Raises
    ------
    LabelsError
        Where no pixel has a class in both truth and map.
    BandsError
        Where the scene has other bands than those trained on.
    """
    confusion = yield from confuse(
        case.truth, case.class_map.ids, case.class_map.confidence, case.class_map.classes
    )
    preset = available_presets(case.cube)[0]
    composite = yield from compose_blocks(case.cube, CompositeSettings(preset=preset))
    cells = confusion.worst()[:WORST]
    in_reference = {i for cell in cells for i in (cell.reference, cell.predicted)}
    described = ClassTable(tuple(c for c in case.reference.classes if c.id in in_reference))
    learned = case.checkpoint.learned_labels() if case.own_scene else None
    of_classes = case.reference.ids if learned is None else learned
    spectra = yield from class_spectra(case.cube, of_classes, described)
    of_cells = yield from _cell_spectra(case.cube, confusion, cells)
    attentions = yield from _attentions(case, confusion, cells)
    of_class = dict(zip(confusion.classes.ids, confusion.matrix.sum(axis=1).tolist(), strict=True))
    worst = tuple(
        ConfusionFinding(
            cell=cell,
            n=confusion.count(cell),
            share=100.0 * confusion.count(cell) / of_class[cell.reference],
            spectrum=of_cells.get(place),
            examples=_spread(confusion.pixels(cell)),
            attention=attentions.get(cell),
        )
        for place, cell in enumerate(cells, start=1)
    )
    flat = confusion.order
    return Findings(
        case=case,
        confusion=confusion,
        distances=_distances(case, flat),
        right=case.truth.ids.ravel()[flat] == case.class_map.ids.ravel()[flat],
        preset=preset,
        composite=composite,
        spectra=spectra,
        spectra_learned=learned is not None,
        worst=worst,
        right_attention={
            cell.reference: mean
            for cell, mean in attentions.items()
            if cell.reference == cell.predicted
        },
    )


def _cell_spectra(
    cube: Cube, confusion: Confusion, cells: list[Cell]
) -> Generator[Progress, None, dict[int, SpectralStatistics]]:
    """Average the spectra of each cell's pixels; keys are the cells' places, from 1."""
    places = np.zeros((cube.rows, cube.columns), np.uint16)
    for place, cell in enumerate(cells, start=1):
        places[tuple(confusion.pixels(cell).T)] = place
    table = ClassTable.from_ids(range(1, len(cells) + 1))
    return (yield from class_spectra(cube, places, table))


def _attentions(
    case: AuditCase, confusion: Confusion, cells: list[Cell]
) -> Generator[Progress, None, dict[Cell, MeanAttention]]:
    """Average the attention over the pixels of each cell, and of the diagonal's in their rows."""
    from napari_ssamamba.audit.attention_maps import AttentionReader

    if case.checkpoint.model.attention == "none":
        return {}
    reader = AttentionReader(case.checkpoint)
    diagonal = dict.fromkeys(Cell(cell.reference, cell.reference) for cell in cells)
    found: dict[Cell, MeanAttention] = {}
    for cell in (*cells, *diagonal):
        mean = yield from mean_attention(reader, case.cube, confusion.pixels(cell))
        if mean is not None:
            found[cell] = mean
    return found


def _distances(case: AuditCase, flat: NDArray[np.intp]) -> NDArray[np.int32] | None:
    from napari_ssamamba.training.metrics import distance_to_training

    if not case.own_scene:
        return None
    far = distance_to_training(case.truth.ids.shape, case.checkpoint.training_pixels)
    return np.asarray(far.ravel()[flat])


def _spread(pixels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Take pixels in their order, and of those nearer than `APART` to one taken none."""
    taken: list[NDArray[np.int32]] = []
    while len(pixels) and len(taken) < EXAMPLES:
        taken.append(pixels[0])
        pixels = pixels[np.abs(pixels - pixels[0]).max(axis=1) >= APART]
    return np.array(taken, np.int32).reshape(-1, 2)
