"""Maps that commands make: kept while they are computed, so that one that was cut short goes on.

So are the attention and the probabilities that are asked for with them.

Each has a `MapFolder` in that of its scene, named after all that the map depends on: the model, the
bands that it reads, when the scene's files were written, and the settings. It goes once its map is
where the user wants it.
"""

from __future__ import annotations

import hashlib
import math
import time
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Literal, Self

from napari_ssamamba.data.probability_store import open_store
from napari_ssamamba.data.room import Room
from napari_ssamamba.data.tiles import Window
from napari_ssamamba.errors import FileFormatError
from napari_ssamamba.events import Notice, retold
from napari_ssamamba.prediction.class_map import MapTile
from napari_ssamamba.prediction.mosaic import Mosaic, bytes_a_pixel
from napari_ssamamba.prediction.predictor import predict
from napari_ssamamba.project.headers import read_header
from napari_ssamamba.project.map_folder import HEADER, REMEDY, FolderHeader, MapFolder, layers_of
from napari_ssamamba.project.user_data import folder_of, named_after, remove_oldest

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.probability_store import ProbabilityStore
    from napari_ssamamba.events import Progress
    from napari_ssamamba.prediction.class_map import ClassMap
    from napari_ssamamba.prediction.plan import MapSettings

KIND = "mappings"
"""Of what is kept, see `folder_of`."""

SECONDS_TO_KEEP = 15.0
"""After so long what was mapped is in a file; a map that takes less is never written here."""

UNFINISHED_MAPS = 3
"""That are kept, of all scenes together; the oldest go."""

DEFAULTS: MapSettings = {
    "region": None,
    "attention": False,
    "members": "mixed",
    "precision": "auto",
    "device": "auto",
}

VERSION = 1


class UnfinishedHeader(FolderHeader):
    """What a map of a command says of itself."""

    format: Literal["napari-ssamamba unfinished map"] = "napari-ssamamba unfinished map"
    version: int = VERSION


class UnfinishedMap:
    """The map of a command, from its first pixel until it is written where the user wants it.

    Left as a context without an error, its files go; with one they stay, and a map of the same
    scene by the same model and settings goes on from there.

    Parameters
    ----------
    cube : Cube
    checkpoint : Checkpoint
    model : Path
        The file that the checkpoint was read from.
    root : Path
        See `data_folder`.
    settings : MapSettings
        All but the size of a batch must be the same for a map to go on.
    probabilities : Path, optional
        Where the probabilities of all classes are to be, see `open_store`; there by the time that
        the map is whole.

    Attributes
    ----------
    mapped : int
        Pixels that are kept; 0 before the first are.
    """

    def __init__(
        self,
        cube: Cube,
        checkpoint: Checkpoint,
        model: Path,
        root: Path,
        settings: MapSettings,
        probabilities: Path | None = None,
    ) -> None:
        self.mapped = 0
        self._cube, self._checkpoint, self._root = cube, checkpoint, root
        self._settings, self._probabilities = settings, probabilities
        with model.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        chosen = DEFAULTS | settings | {"batch_size": None}
        name = named_after(
            cube,
            digest,
            checkpoint.band_indices.tolist(),
            sorted(chosen.items()),
            probabilities is not None,
        )
        self._folder = MapFolder(folder_of(cube, root, KIND) / name)
        self._begun = False
        self._changed: list[Window] = []
        self._written = time.monotonic()

    @property
    def told(self) -> str:
        """What is kept, for the user; nothing where nothing is."""
        return f"{self.mapped:,} pixels of the map are kept" if self.mapped else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            self._folder.remove()
            with suppress(OSError):  # where it is the last of its scene
                self._folder.path.parent.rmdir()

    def run(self) -> Generator[Progress, None, ClassMap]:
        """Map what is not mapped yet, else as `predict`; on disk where memory is short.

        Yields
        ------
        Progress

        Returns
        -------
        ClassMap
            Its `pixels` and `seconds` are those of this run.
        """
        shape = self._cube.rows, self._cube.columns
        attention = self._settings.get("attention", False)
        needed = bytes_a_pixel(attention) * math.prod(shape)
        mosaic = Mosaic.blank(shape, Room().arrays(needed), attention=attention)
        layers = layers_of(mosaic)
        path, classes = self._probabilities, self._checkpoint.classes
        with nullcontext() if path is None else open_store(path, classes, self._cube) as store:
            if store is not None:
                layers.append(store)
            self._folder = MapFolder(self._folder.path, layers)
            yield from self._take_up(mosaic)
            return (yield from self._map(mosaic, store))

    def _map(
        self, mosaic: Mosaic, store: ProbabilityStore | None
    ) -> Generator[Progress, None, ClassMap]:
        """Map what is missing, and keep it every `SECONDS_TO_KEEP`."""
        self._written = time.monotonic()
        work = predict(self._cube, self._checkpoint, mosaic=mosaic, store=store, **self._settings)

        def keep(event: Progress) -> Progress:
            if isinstance(event, MapTile):
                self._changed.append(event.window)
                if time.monotonic() - self._written > SECONDS_TO_KEEP:
                    try:
                        self._write(mosaic)
                    except OSError as error:
                        return Notice(
                            done=event.done,
                            total=event.total,
                            seconds_left=event.seconds_left,
                            text=f"What is mapped cannot be kept ({error}): cut short, the map "
                            "would be lost.",
                        )
            return event

        try:
            return (yield from retold(work, keep))
        finally:  # also where it is cancelled, interrupted, or fails
            if self._begun:
                with suppress(OSError):
                    self._write(mosaic)

    def _take_up(self, mosaic: Mosaic) -> Generator[Progress, None, None]:
        """Fill in what is kept from before, if anything is."""
        path = self._folder.path / HEADER
        if path.exists():
            try:
                text = path.read_text(encoding="utf-8", errors="replace")
                header = read_header(path, text, UnfinishedHeader, VERSION, REMEDY)
                yield from self._folder.read(mosaic)
            except FileFormatError as error:
                found = f"{error.path}: {error.found}"
                yield Notice(text=f"What is kept of this map is of no use: {found}.")
            else:
                self._begun, self.mapped = True, header.mapped
                yield Notice(text=f"{self.mapped:,} pixels are kept from before; the rest follows.")
                return
        yield from mosaic.filling()

    def _write(self, mosaic: Mosaic) -> None:
        """Keep what was mapped since the last time."""
        self._written = time.monotonic()
        rows, columns = mosaic.level.shape
        if not self._begun or not self._folder.path.exists():  # another command removed it
            self._folder.begin((rows, columns))
            self._changed = [Window(0, rows, 0, columns)]
            self._begun = True
            remove_oldest(self._root / KIND, UNFINISHED_MAPS, self._folder.path)
        self.mapped = self._folder.write(mosaic, self._changed, UnfinishedHeader(mapped=0))
        self._changed = []
        mosaic.leave_memory()
