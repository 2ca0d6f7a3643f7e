"""What is open: the one object that the interface shows and asks to change.

A session belongs to the main thread. Long work takes a snapshot from it (`TrainingRuns.begin`,
`SessionMapping.run`) and runs elsewhere; its results are handed back here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.audit.spectra import band_positions
from napari_ssamamba.data.band_lists import BandList, list_beside, write_band_list
from napari_ssamamba.data.classes import UNLABELLED, ClassTable
from napari_ssamamba.data.composite import CompositeSettings, available_presets
from napari_ssamamba.data.good_bands import BandSwitches, in_range
from napari_ssamamba.data.labels import LabelMap, count_labels, draw_training_pixels
from napari_ssamamba.errors import LabelsError, SSAMambaError
from napari_ssamamba.session.attention import SessionAttention
from napari_ssamamba.session.attribution import SessionAttribution
from napari_ssamamba.session.audit import AuditState
from napari_ssamamba.session.changes import SessionChanges
from napari_ssamamba.session.class_attention import SessionClassAttention
from napari_ssamamba.session.curves import SessionCurves
from napari_ssamamba.session.decisions import Decisions
from napari_ssamamba.session.evidence import SessionEvidence
from napari_ssamamba.session.learned import LearnedLabels
from napari_ssamamba.session.mapping import SessionMapping
from napari_ssamamba.session.renaming import follow_class
from napari_ssamamba.session.suggestions import SessionSuggestions
from napari_ssamamba.session.suspects import SessionSuspects
from napari_ssamamba.session.training_runs import TrainingRuns
from napari_ssamamba.session.values import SessionEvents, TrainingSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_ssamamba.audit.spectra import SpectralStatistics
    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.classes import LandClass
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.session.steps import PixelSteps
    from napari_ssamamba.session.values import ShownMap
    from napari_ssamamba.training.events import EpochDone
    from napari_ssamamba.training.metrics import Accuracy


class Session:
    """Everything that is open in one viewer.

    Attributes
    ----------
    cube : Cube or None
    band_switches : BandSwitches
        Why the cube's bands are on or off.
    composite : CompositeSettings or None
        Which colours to show the scene in; None without a scene.
    composite_image : ndarray of uint8, shape (rows, columns, 4), or None
    classes : ClassTable
        Of the training labels.
    labels : ndarray of uint16, shape (rows, columns), or None
        Training labels. The array is shared with the layer that is painted on; whoever writes
        into it calls `labels_painted`.
    reference : LabelMap or None
        To check against.
    selected_class : int
        What painting paints; 0 where there is no class.
    training : TrainingSettings
    learning : ClassTable
        Of the training that runs, or of the last one, by the names that its classes have now.
    learned : LearnedLabels
        Whether the model knows the labels as they are now.
    history : list of EpochDone
        Of the training that runs, or of the last one.
    checkpoint : Checkpoint or None
        The last good model.
    map : ShownMap or None
    accuracy : Accuracy or None
        Of the map, on the reference's pixels that the model was not trained or chosen on.
    picked : tuple of int or None
        Row and column of the pixel last clicked.
    picked_spectrum : ndarray of float32, shape (bands,), or None
    class_spectra : dict of int to SpectralStatistics
        Of the training labels, as last computed.
    training_runs : TrainingRuns
    mapping : SessionMapping
        What fills the map and compares it.
    attention : SessionAttention
    audit : AuditState
        Where the map is wrong.
    decisions : Decisions
        What was decided about errors.
    evidence : SessionEvidence
        What the model says of the error that is looked at.
    changes : SessionChanges
        What a training changed in the map.
    curves : SessionCurves
        Spectra to compare with the classes'.
    attribution : SessionAttribution
        Which bands decided.
    class_attention : SessionClassAttention
        What the pixels of a class attend to on average.
    suggestions : SessionSuggestions
        What to label next.
    suspects : SessionSuspects
        Training labels that the others contradict.
    steps : PixelSteps
        Which of these two lists was last stepped through.
    """

    def __init__(self) -> None:
        self.events = SessionEvents(self)
        self.cube: Cube | None = None
        self.band_switches = BandSwitches.of(np.empty(0, bool), None)
        self.composite: CompositeSettings | None = None
        self.composite_image: NDArray[np.uint8] | None = None
        self.classes = ClassTable()
        self.labels: NDArray[np.uint16] | None = None
        self.reference: LabelMap | None = None
        self.selected_class = UNLABELLED
        self.training = TrainingSettings()
        self.learning = ClassTable()
        self.learned = LearnedLabels()
        self.history: list[EpochDone] = []
        self.checkpoint: Checkpoint | None = None
        self.map: ShownMap | None = None
        self.accuracy: Accuracy | None = None
        self.picked: tuple[int, int] | None = None
        self.picked_spectrum: NDArray[np.float32] | None = None
        self.class_spectra: dict[int, SpectralStatistics] = {}
        self.training_runs = TrainingRuns(self)
        self.attention = SessionAttention(self)
        self.curves = SessionCurves(self)
        self.mapping = SessionMapping(self)
        self.audit = AuditState(self)
        self.decisions = Decisions(self)
        self.evidence = SessionEvidence(self)
        self.changes = SessionChanges(self)
        self.attribution = SessionAttribution(self)
        self.class_attention = SessionClassAttention(self)
        self.suggestions = SessionSuggestions(self)
        self.suspects = SessionSuspects(self)
        self.steps: PixelSteps = self.suggestions

    # --- the scene -------------------------------------------------------------------------

    def open_cube(self, cube: Cube) -> None:
        """Show another scene; labels, reference and map of the last one are dropped."""
        self.cube = cube
        self.band_switches = BandSwitches.of(cube.good_bands, cube.wavelengths)
        self.composite = CompositeSettings(bands=None, preset=available_presets(cube)[0])
        self.labels = np.zeros((cube.rows, cube.columns), np.uint16)
        self.learned.forget()
        self.reference = self.map = self.accuracy = self.composite_image = None
        self.picked, self.picked_spectrum, self.class_spectra = None, None, {}
        self.events.cube.emit()
        self.events.labels.emit()
        self.events.reference.emit()
        self.events.map.emit()
        self.events.accuracy.emit()
        self.events.picked.emit()
        self.events.class_spectra.emit()

    def set_wavelengths(self, listed: BandList) -> None:
        """Take other band centres; bands that the list calls bad are off like the file's."""
        cube = replace(self.need_cube(), wavelengths=listed.wavelengths, fwhm=listed.fwhm)
        switches = self.band_switches
        if listed.good is not None:
            switches = replace(switches, by_file=switches.by_file & listed.good)
        self._take_bands(cube, switches.with_wavelengths(listed.wavelengths))

    def keep_wavelengths(self) -> None:
        """Write the band centres into the list beside the scene that its reader takes."""
        cube, by_file = self.need_cube(), self.band_switches.by_file
        good = None if by_file.all() else by_file
        beside = list_beside(cube.paths[0])
        write_band_list(beside, BandList(cube.wavelengths, cube.fwhm, good))

    def switch_bands(self, bands: NDArray[np.bool_], on: bool) -> None:
        """Switch some bands, a mask of shape (bands,), on or off."""
        self._take_bands(self.need_cube(), self.band_switches.switched(bands, on))

    def switch_range(self, low: float, high: float, on: bool) -> None:
        """Switch the bands from one wavelength to another on or off.

        Parameters
        ----------
        low, high : float
            In nm; band numbers, from 1, where no wavelengths are known.
        on : bool
        """
        self.switch_bands(in_range(band_positions(self.need_cube()), low, high), on)

    def set_bands(self, bands: NDArray[np.bool_]) -> None:
        """Let these bands alone, a mask of shape (bands,), be on."""
        if (bands != self.need_cube().good_bands).any():
            self._take_bands(self.need_cube(), self.band_switches.exactly(bands))

    def hide_water_absorption(self, hidden: bool) -> None:
        """Switch the bands in the usual water-absorption windows off, or back."""
        self._take_bands(self.need_cube(), self.band_switches.with_water_hidden(hidden))

    def _take_bands(self, cube: Cube, switches: BandSwitches) -> None:
        cube = cube.with_good_bands(switches.good)
        if not cube.good_bands.any():
            raise SSAMambaError("No band would be left. Leave at least one band on.")
        self.cube, self.band_switches = cube, switches
        settings, presets = self.composite, available_presets(cube)
        if settings is not None and settings.bands is None and settings.preset not in presets:
            self.composite = replace(settings, preset=presets[0])
        self.events.bands.emit()

    def set_composite(self, composite: CompositeSettings) -> None:
        """Ask for other colours; the image follows when it is computed."""
        self.composite = composite
        self.events.composite.emit()

    def set_composite_image(self, image: NDArray[np.uint8]) -> None:
        """Take the image that was computed."""
        self.composite_image = image
        self.events.composite.emit()

    def need_cube(self) -> Cube:
        """Return the scene.

        Raises
        ------
        SSAMambaError
            Where none is open.
        """
        if self.cube is None:
            raise SSAMambaError("No scene is open. Open a cube or a sample scene first.")
        return self.cube

    # --- classes and labels ----------------------------------------------------------------

    def add_class(self, name: str, color: str | None = None) -> int:
        """Append a class, select it, and return its id.

        Neither a label nor the model, nor one that is trained, knows that id: a training that
        starts from the model matches classes by id.
        """
        used = self.labels.max() if self.labels is not None and self.labels.size else 0
        learned = () if self.checkpoint is None else self.checkpoint.classes.ids
        id = max(int(used), *self.classes.ids, *learned, *self.learning.ids, 0) + 1
        self.classes = self.classes.add(name, color, id)
        self.events.classes.emit()
        self.select_class(id)
        return id

    def take_class(self, land_class: LandClass) -> None:
        """Append a class with its id, e.g. one of the reference."""
        self.classes = self.classes.add(land_class.name, land_class.color, land_class.id)
        self.events.classes.emit()

    def rename_class(self, id: int, name: str) -> None:
        """Give a class another name, in map, reference and matrix too."""
        self._change_class(self.classes.rename(id, name), id)

    def recolor_class(self, id: int, color: str) -> None:
        """Give a class another colour, ``"#rrggbb"``, in map, reference and matrix too."""
        self._change_class(self.classes.recolor(id, color), id)

    def _change_class(self, classes: ClassTable, id: int) -> None:
        before, after, self.classes = self.classes[id], classes[id], classes
        follow_class(self, before, after)
        self.events.classes.emit()

    def delete_class(self, id: int, pixels_to: int = UNLABELLED) -> None:
        """Delete a class; its pixels become unlabelled, or go to another class (a merge)."""
        left = self.classes.remove(id)
        if pixels_to != UNLABELLED:
            left[pixels_to]
        self.classes = left
        if self.labels is not None:
            self.labels[self.labels == id] = pixels_to
        if self.selected_class == id:
            self.selected_class = pixels_to or next(iter(self.classes.ids), UNLABELLED)
            self.events.selected_class.emit()
        self.events.classes.emit()
        self.labels_painted()

    def select_class(self, id: int) -> None:
        """Choose what painting paints."""
        if id != UNLABELLED:
            self.classes[id]
        if id != self.selected_class:
            self.selected_class = id
            self.events.selected_class.emit()

    def label_counts(self) -> dict[int, int]:
        """Count the labelled pixels of each class, by id."""
        if self.labels is None:
            return dict.fromkeys(self.classes.ids, 0)
        return count_labels(self.labels, self.classes)

    def labels_painted(self) -> None:
        """Tell that the labels array was written into."""
        self.learned.labels_changed()
        if self.map is not None and not self.map.outdated:
            self.map.outdated = True
            self.events.map.emit()
        self.events.labels.emit()

    def set_labels(self, labels: LabelMap) -> None:
        """Replace the training labels and the class table by imported ones."""
        self._check_grid(labels)
        self.classes = labels.classes
        self.labels = np.array(labels.ids, np.uint16)
        self.selected_class = next(iter(labels.classes.ids), UNLABELLED)
        self.events.classes.emit()
        self.events.selected_class.emit()
        self.labels_painted()

    def set_reference(self, reference: LabelMap | None) -> None:
        """Take a reference to check against."""
        if reference is not None:
            self._check_grid(reference)
        self.reference = reference
        self.events.reference.emit()
        self.mapping.set_accuracy(None)

    def draw_from_reference(self, per_class: int, seed: int) -> None:
        """Replace the training labels by random pixels of the reference.

        Raises
        ------
        LabelsError
            Where there is no reference.
        """
        if self.reference is None:
            raise LabelsError("No reference is open to draw training pixels from. Import one.")
        drawn = draw_training_pixels(self.reference, per_class, seed)
        self.set_labels(LabelMap(drawn, self.reference.classes, f"{per_class} a class"))

    def _check_grid(self, labels: LabelMap) -> None:
        cube = self.need_cube()
        if labels.ids.shape != (cube.rows, cube.columns):
            raise LabelsError(
                f"{labels.name}: {labels.ids.shape[0]} × {labels.ids.shape[1]} pixels, the scene "
                f"has {cube.rows} × {cube.columns}. Choose labels on the scene's grid."
            )

    # --- training ---------------------------------------------------------------------------

    def set_training(self, training: TrainingSettings) -> None:
        """Change how the next training is done."""
        self.training = training
        self.events.training.emit()

    def record_epoch(self, epoch: EpochDone) -> None:
        """Append to the learning curves."""
        self.history.append(epoch)
        self.events.history.emit()

    def named(self, trained: Checkpoint) -> Checkpoint:
        """Return what a training made, by the names that its classes were given meanwhile."""
        classes = trained.classes.named_as(self.learning)
        return self.learned.trained(replace(trained, classes=classes))

    def match_bands(self) -> None:
        """Let the model read the scene's bands that are nearest to those trained on."""
        if self.checkpoint is not None:
            self.set_checkpoint(self.checkpoint.matched(self.need_cube()))

    def set_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Take a trained model; the map that is shown is outdated from now on."""
        self.checkpoint = checkpoint
        self.learned.take(checkpoint)
        if self.map is not None:
            self.map.outdated = True
            self.events.map.emit()
        self.events.checkpoint.emit()

    # --- spectra ---------------------------------------------------------------------------

    def pick(self, row: int, column: int) -> None:
        """Read the spectrum of one pixel; pixels outside of the scene are not picked."""
        cube = self.need_cube()
        if 0 <= row < cube.rows and 0 <= column < cube.columns:
            self.picked = row, column
            self.picked_spectrum = cube.read_pixels([row], [column])[0]
            self.events.picked.emit()

    def set_class_spectra(self, spectra: dict[int, SpectralStatistics]) -> None:
        """Take the class means that were computed."""
        self.class_spectra = spectra
        self.events.class_spectra.emit()
