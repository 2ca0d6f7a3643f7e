"""Every question that opens a window of its own, in one place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QColorDialog, QDialog, QFileDialog, QMessageBox

from napari_ssamamba.gui.ask_choice import AskChoice
from napari_ssamamba.gui.ask_spectra import AskSpectra
from napari_ssamamba.gui.ask_wavelengths import AskWavelengths
from napari_ssamamba.session.curves import LARGEST_IMPORT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtWidgets import QWidget

    from napari_ssamamba.data.band_lists import BandList
    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.errors import AmbiguousFileError, Choice, OtherBandsError

SCENES = (
    "Scenes (*.hdr *.img *.dat *.raw *.bsq *.bil *.bip *.tif *.tiff *.mat *.npy);;All files (*)"
)
LABELS = (
    "Labels (*.tif *.tiff *.hdr *.img *.mat *.npy *.png *.gpkg *.geojson *.json *.shp);;"
    "All files (*)"
)
MODELS = "Models (*.safetensors);;All files (*)"
LIBRARIES = "Spectral libraries (*.sli *.hdr *.csv);;All files (*)"
LIBRARIES_TO_WRITE = {"CSV table (*.csv)": ".csv", "ENVI spectral library (*.sli)": ".sli"}


class Dialogs:
    """Asks the user; replace its methods to answer without a window.

    Each method returns None, or nothing chosen, where the user cancels.
    """

    def scene_files(self, parent: QWidget) -> list[Path]:
        """Ask which scene to open: one file, or tiles."""
        names, _ = QFileDialog.getOpenFileNames(parent, "Open a scene", "", SCENES)
        return [Path(name) for name in names]

    def labels_files(self, parent: QWidget, title: str) -> list[Path]:
        """Ask which labels to read: one file, or tiles."""
        names, _ = QFileDialog.getOpenFileNames(parent, title, "", LABELS)
        return [Path(name) for name in names]

    def table_file(self, parent: QWidget, title: str) -> Path | None:
        """Ask where to write a table."""
        name, _ = QFileDialog.getSaveFileName(parent, title, "", "Tables (*.csv)")
        return Path(name).with_suffix(".csv") if name else None

    def model_to_open(self, parent: QWidget) -> Path | None:
        """Ask which model to read."""
        name, _ = QFileDialog.getOpenFileName(parent, "Open a model", "", MODELS)
        return Path(name) if name else None

    def model_to_save(self, parent: QWidget) -> Path | None:
        """Ask where to write a model."""
        name, _ = QFileDialog.getSaveFileName(parent, "Save the model", "", MODELS)
        path = Path(name)
        return (path if path.suffix else path.with_suffix(".safetensors")) if name else None

    def library_file(self, parent: QWidget) -> Path | None:
        """Ask which spectral library to read."""
        name, _ = QFileDialog.getOpenFileName(parent, "Import a spectral library", "", LIBRARIES)
        return Path(name) if name else None

    def export_file(self, parent: QWidget) -> Path | None:
        """Ask where to write spectra; a name without a suffix gets that of the chosen format."""
        formats = ";;".join(LIBRARIES_TO_WRITE)
        name, chosen = QFileDialog.getSaveFileName(parent, "Export the spectra", "", formats)
        if not name:
            return None
        path = Path(name)
        return path if path.suffix else path.with_suffix(LIBRARIES_TO_WRITE[chosen])

    def spectra(self, parent: QWidget, names: Sequence[str]) -> list[int]:
        """Ask which of a library's spectra to compare with: their positions."""
        dialog = AskSpectra(names, LARGEST_IMPORT, parent)
        return dialog.chosen() if _accepted(dialog) else []

    def color(self, parent: QWidget, current: str) -> str | None:
        """Ask for a colour, ``"#rrggbb"``."""
        color = QColorDialog.getColor(QColor(current), parent, "Colour of the class")
        return str(color.name()) if color.isValid() else None

    def choice(self, parent: QWidget, error: AmbiguousFileError) -> Choice | None:
        """Ask how to read a file."""
        dialog = AskChoice(
            f"{error.path}: {error.found}.",
            [choice.description for choice in error.choices],
            "Open",
            parent,
        )
        return error.choices[dialog.chosen()] if _accepted(dialog) else None

    def match_bands(self, parent: QWidget, error: OtherBandsError) -> bool:
        """Ask whether a model may read a scene's bands that are near those trained on."""
        dialog = AskChoice(
            str(error),
            ["Read the nearest bands, within half a band's width"],
            "Match and map",
            parent,
        )
        return _accepted(dialog)

    def discard_labels(self, parent: QWidget, opened: str, n: int, shown: str) -> bool:
        """Ask whether a scene may replace the shown one and its n labelled pixels.

        Keeping them is the default, by Enter and by Escape.
        """
        lost = "The one labelled pixel" if n == 1 else f"The {n:,} labelled pixels"
        dialog = QMessageBox(parent)
        dialog.setWindowTitle("SSA-Mamba")
        dialog.setTextFormat(Qt.TextFormat.PlainText)
        dialog.setText(
            f"Open “{opened}”? {lost} of “{shown}” {'is' if n == 1 else 'are'} replaced. What was "
            f"painted is kept and offered again with “{shown}”; File → Save Selected Layers writes "
            "it where you want."
        )
        open_it = dialog.addButton("Open", QMessageBox.ButtonRole.AcceptRole)
        open_it.setToolTip(f"Show “{opened}” instead")
        keep = dialog.addButton("Keep", QMessageBox.ButtonRole.RejectRole)
        keep.setToolTip(f"Stay with “{shown}” and its labels")
        dialog.setDefaultButton(keep)
        dialog.setEscapeButton(keep)
        dialog.exec()
        dialog.deleteLater()
        return bool(dialog.clickedButton() is open_it)

    def wavelengths(self, parent: QWidget, cube: Cube) -> tuple[BandList, bool] | None:
        """Ask for a scene's band centres, and whether to keep them beside it."""
        dialog = AskWavelengths(cube, parent)
        return (dialog.listed(), dialog.keep.isChecked()) if _accepted(dialog) else None

    def pixels_to(self, parent: QWidget, classes: ClassTable, id: int, n: int) -> int | None:
        """Ask what becomes of a deleted class's pixels: the id of another class, or 0."""
        others = [c for c in classes if c.id != id]
        dialog = AskChoice(
            f"Delete class “{classes[id].name}”. What becomes of its {n:,} labelled pixels?",
            ["They become unlabelled", *(f"They become “{c.name}”" for c in others)],
            "Delete",
            parent,
        )
        return (0, *(c.id for c in others))[dialog.chosen()] if _accepted(dialog) else None


def _accepted(dialog: QDialog) -> bool:
    """Show a dialog until it is answered; it is deleted when its answer has been read."""
    accepted = dialog.exec() == QDialog.DialogCode.Accepted
    dialog.deleteLater()
    return bool(accepted)
