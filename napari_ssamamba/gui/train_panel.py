"""The section Train: settings, progress, result."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_ssamamba.gui.connections import connect
from napari_ssamamba.gui.job_progress import JobProgress, time_text
from napari_ssamamba.gui.kept_row import KeptRow
from napari_ssamamba.model.config import Preset

if TYPE_CHECKING:
    from napari_ssamamba.checkpoint import TrainingRecord
    from napari_ssamamba.gui.dialogs import Dialogs
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session

DEVICES = ("auto", "cpu", "cuda", "mps")


class TrainPanel(QWidget):
    """Shows how training is done and how it goes, and asks to start it.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    dialogs : Dialogs
    """

    def __init__(self, session: Session, workflow: Workflow, dialogs: Dialogs) -> None:
        super().__init__()
        self._dialogs = dialogs
        self._session = session
        self._workflow = workflow
        self.preset = QComboBox()
        self.preset.addItems(get_args(Preset))
        self.preset.setToolTip("compact: for a CPU; standard: the published widths, for a GPU")
        self.device = QComboBox()
        self.device.addItems(DEVICES)
        self.device.setToolTip("Where to train and map; auto takes a GPU where there is one")
        self.epochs = QSpinBox()
        self.epochs.setRange(1, 100_000)
        self.epochs.setToolTip(
            "At most so many rounds, with a look at the held-out labels after each; few "
            "labels are gone through several times a round"
        )
        self.seed = QSpinBox()
        self.seed.setRange(0, 2**31 - 1)
        self.seed.setToolTip("The same labels, settings, seed, device and start: the same model")
        self.validation = QDoubleSpinBox()
        self.validation.setRange(0, 90)
        self.validation.setDecimals(0)
        self.validation.setSuffix(" %")
        self.validation.setToolTip("Share of the labels that is held out to validate")
        self.from_last = QCheckBox("Start from the &last model")
        self.from_last.setToolTip(
            "Learn added labels in a quarter of the steps; off: train anew. A model of other bands "
            "or of another network cannot be started from"
        )
        self.preview = QCheckBox("Previe&w the map")
        self.preview.setToolTip(
            "While training, show what the spectral expert makes of the view; where the network is "
            "to map alone, what that has learned so far, coarsely. Takes at most 15 % of the time "
            "and changes no weight"
        )
        self.train = QPushButton("&Train")
        self.train.setToolTip(
            "Train on the labels as they are now, on from where the same training was cut short; "
            "painting can go on meanwhile"
        )
        self.train.clicked.connect(self._train)
        self.kept = KeptRow(
            workflow.kept.trainings,
            "Trainings of this scene that were cut short, the latest first",
            "Go on with this training: with the labels, bands and settings that it had. Labels "
            "painted since wait for the next training",
            "Go on",
        )
        self.progress = JobProgress(workflow, "train", can_pause=True)
        self.result = QLabel()
        self.result.setWordWrap(True)
        self.save = QPushButton("Save model…")
        self.save.setToolTip(
            "Write the last model to a file, for other scenes, another day or the command line"
        )
        self.save.clicked.connect(self._save)
        self.open = QPushButton("Open model…")
        self.open.setToolTip("Read a model that was saved or trained on the command line, to map")
        self.open.clicked.connect(self._open)
        form = QFormLayout()
        form.addRow("&Network", self.preset)
        form.addRow("De&vice", self.device)
        form.addRow("&Epochs", self.epochs)
        form.addRow("See&d", self.seed)
        form.addRow("Held o&ut", self.validation)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.from_last)
        layout.addWidget(self.preview)
        layout.addWidget(self.train)
        layout.addWidget(self.kept)
        layout.addWidget(self.progress)
        layout.addWidget(self.result)
        files = QHBoxLayout()
        files.addWidget(self.save)
        files.addWidget(self.open)
        layout.addLayout(files)
        self.preset.currentTextChanged.connect(self._ask)
        self.device.currentTextChanged.connect(self._ask)
        self.from_last.toggled.connect(self._ask)
        self.preview.toggled.connect(self._ask)
        for box in (self.epochs, self.seed, self.validation):
            box.setKeyboardTracking(False)
            box.valueChanged.connect(self._ask)
        workflow.job_started.connect(self._show_state)
        workflow.job_ended.connect(self._show_state)
        events = session.events
        connect(self._show_settings, events.training)
        connect(self._show_state, events.cube, events.labels, events.checkpoint)
        self._show_settings()
        self._show_state()

    def _train(self) -> None:
        self._workflow.training.train()

    def _save(self) -> None:
        if path := self._dialogs.model_to_save(self):
            self._workflow.training.save_model(path)

    def _open(self) -> None:
        if path := self._dialogs.model_to_open(self):
            self._workflow.training.open_model(path)

    def _ask(self, *_: object) -> None:
        settings = self._session.training
        chosen: Preset = "compact" if self.preset.currentText() == "compact" else "standard"
        config = replace(
            settings.config,
            epochs=self.epochs.value(),
            seed=self.seed.value(),
            validation_fraction=self.validation.value() / 100,
        )
        self._session.set_training(
            replace(
                settings,
                preset=chosen,
                device=self.device.currentText(),
                config=config,
                from_last=self.from_last.isChecked(),
                preview=self.preview.isChecked(),
            )
        )

    def _show_settings(self) -> None:
        settings = self._session.training
        for box, text in ((self.preset, settings.preset), (self.device, settings.device)):
            with QSignalBlocker(box):
                if box.findText(text) < 0:
                    box.addItem(text)
                box.setCurrentText(text)
        for box, value in (
            (self.epochs, settings.config.epochs),
            (self.seed, settings.config.seed),
            (self.validation, 100 * settings.config.validation_fraction),
        ):
            with QSignalBlocker(box):
                box.setValue(value)
        with QSignalBlocker(self.from_last):
            self.from_last.setChecked(settings.from_last)
        with QSignalBlocker(self.preview):
            self.preview.setChecked(settings.preview)

    def _show_state(self, *_: object) -> None:
        session = self._session
        runs = self._workflow.job("train") is not None
        self.train.setEnabled(session.cube is not None and not runs)
        self.from_last.setEnabled(session.checkpoint is not None)
        self.save.setEnabled(session.checkpoint is not None)
        self.open.setEnabled(not runs)
        if (model := session.checkpoint) is not None:
            elsewhere = session.cube is not None and not model.is_of(session.cube)
            self.result.setText(result_text(model.record, elsewhere=elsewhere))
        elif session.labels is None or not session.labels.any():
            self.result.setText("Label a few pixels of two or more classes, then train.")
        else:
            self.result.setText("")
        self.result.setVisible(bool(self.result.text()))


def result_text(record: TrainingRecord, *, elsewhere: bool = False) -> str:
    """Say how a training came out; where it was on another scene than the one shown, on which."""
    if record.validation_oa is None:
        accuracy = "Trained; no labels were held out to validate"
    else:
        accuracy = f"Validation OA {record.validation_oa:.1f} % ({record.n_validation:,} pixels)"
    synthetic = " · SYNTHETIC scene" if record.synthetic else ""
    mixture = "" if record.mixture is None else f"\n{record.mixture.summary()}"
    where = f"Of another scene, {record.scene}. " if elsewhere else ""
    return (
        f"{where}{accuracy} · {record.n_train:,} training pixels · {time_text(record.seconds)} on "
        f"{record.device}{synthetic}{mixture}"
    )
