"""Prediction: from a checkpoint and a scene to a class map, tile by tile."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from napari_ssamamba.data.classes import UNLABELLED
from napari_ssamamba.events import Pace, Progress, retold
from napari_ssamamba.prediction.class_map import ClassMap, Mapped, MapTile
from napari_ssamamba.prediction.classifier import TileClassifier
from napari_ssamamba.prediction.kept_probabilities import keep_probabilities
from napari_ssamamba.prediction.mixer import Members, Mixer
from napari_ssamamba.prediction.mosaic import FINAL, Mosaic
from napari_ssamamba.prediction.order import Order
from napari_ssamamba.prediction.plan import plan_map
from napari_ssamamba.prediction.reading import ReadAhead, measured_pixels, read_unit

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.probability_store import ProbabilityStore
    from napari_ssamamba.data.tiles import Tile, Window
    from napari_ssamamba.model.inference.form import Precision
    from napari_ssamamba.prediction.order import Focus, Unit

LARGEST_TILE = {"cpu": 32, "mps": 64, "cuda": 64}
"""Side of a tile: small enough that the map is seen to grow, large enough for cheap halos. On a
device nine variants of it are held, see `SceneProjection`."""

BATCHES_A_TILE = 8
"""Where that many are less than the largest tile, as of a large network on a CPU, tiles are
smaller: a mapping turns to where the user looks after each. A GPU is done with one in a moment."""

READERS = 3
"""Threads that read for an NVIDIA GPU with kernels, which is faster than one of them."""


def automatic_tile_size(device: torch.device, batch_size: int | None) -> int:
    """Return the side of the tiles, for batches of so many patches; None without a network."""
    side = LARGEST_TILE[device.type]
    if batch_size is None or device.type == "cuda":
        return side
    return min(side, 1 << int(math.log2(math.sqrt(BATCHES_A_TILE * batch_size))))


def predict(
    cube: Cube,
    checkpoint: Checkpoint,
    *,
    region: Window | None = None,
    device: str = "auto",
    batch_size: int | Literal["auto"] = "auto",
    attention: bool = False,
    tile_size: int | Literal["auto"] = "auto",
    focus: Focus | None = None,
    members: Members = "mixed",
    precision: Precision = "auto",
    mosaic: Mosaic | None = None,
    store: ProbabilityStore | None = None,
) -> Generator[Progress, None, ClassMap]:
    """Classify each pixel of a scene, and hold the map; else as `map_tiles`.

    Parameters
    ----------
    mosaic : Mosaic, optional
        What is known of the map, filled in here; its final pixels are left out. It has to hold
        the attention where that is asked for.
    store : ProbabilityStore, optional
        Takes the probabilities of all classes while they are computed; of the mosaic's final pixels
        they are there.

    Returns
    -------
    ClassMap
    """
    held = mosaic
    if held is None:
        held = Mosaic.unknown((cube.rows, cube.columns), attention=attention)
    work = map_tiles(
        cube,
        checkpoint,
        region=region,
        device=device,
        batch_size=batch_size,
        attention=attention,
        tile_size=tile_size,
        focus=focus,
        done=None if mosaic is None else mosaic.level == FINAL,
        members=members,
        precision=precision,
        probabilities=store is not None,
    )
    if store is not None:
        work = keep_probabilities(work, store)  # first: what is final lacks nothing

    def place(event: Progress) -> Progress:
        if isinstance(event, MapTile):
            held.take(event)
        return event

    mapped = yield from retold(work, place)
    return ClassMap(
        ids=held.ids,
        confidence=held.confidence,
        margin=held.margin,
        entropy=held.entropy,
        attention=held.attention,
        classes=checkpoint.classes,
        region=mapped.region,
        seconds=mapped.seconds,
        pixels=mapped.pixels,
        device=mapped.device,
        precision=mapped.precision,
    )


def map_tiles(
    cube: Cube,
    checkpoint: Checkpoint,
    *,
    region: Window | None = None,
    device: str = "auto",
    batch_size: int | Literal["auto"] = "auto",
    attention: bool = False,
    tile_size: int | Literal["auto"] = "auto",
    focus: Focus | None = None,
    done: NDArray[np.bool_] | None = None,
    members: Members = "mixed",
    precision: Precision = "auto",
    probabilities: bool = False,
) -> Generator[Progress, None, Mapped]:
    """Classify each pixel of a scene once.

    While the device works on a tile, a thread reads the next one. Neither tiles nor batches nor the
    order change the result by more than rounding. Closing the generator cancels; it yields after
    every batch.

    Parameters
    ----------
    cube : Cube
        With the bands that the checkpoint was trained on.
    checkpoint : Checkpoint
    region : Window, optional
        Part of the scene; the pixels around it are read where patches need them.
    device : str
        See `choose_device`.
    batch_size : int or "auto"
        Patches at once; halved, with a `Notice`, when the device's memory runs out.
    attention : bool
        Whether to sum up the attention of each pixel, see `ATTENTION_SCALARS`.
    tile_size : int or "auto"
        Side of a tile in pixels.
    focus : Focus, optional
        What the user sees is mapped first, from coarse to fine; see `Order`. Without it tiles come
        row by row, each complete.
    done : ndarray of bool, shape (rows, columns), optional
        Pixels of the scene that are known from before and left out; copied.
    members : {"mixed", "network", "expert"}
        A checkpoint without an expert is its network alone in any case.
    precision : {"auto", "float32", "bfloat16"}
        Of the network where no attention is asked for; see `choose_precision`.
    probabilities : bool
        Whether tiles carry the probabilities of all classes; none are kept, see
        `keep_probabilities`.

    Yields
    ------
    Progress
        In pixels of the region: `MapTile` for each finished tile, plain `Progress` between
        batches, `Notice`.

    Returns
    -------
    Mapped

    Raises
    ------
    BandsError, SettingError
        As `plan_map`, and for a tile size that cannot be.
    DeviceMemoryError
        Where not even one patch fits the device's memory.
    """
    plan = plan_map(
        cube,
        checkpoint,
        region=region,
        attention=attention,
        members=members,
        precision=precision,
        device=device,
        batch_size=batch_size,
    )
    window, chosen, dtype, size = plan.region, plan.device, plan.dtype, plan.batch_size
    mixer = Mixer(checkpoint, members, attention=attention, device=chosen)
    side = automatic_tile_size(chosen, size if mixer.uses_network else None)
    taken = np.zeros((cube.rows, cube.columns), bool) if done is None else done.copy()
    known = int(taken[window.rows, window.columns].sum())
    order = Order(
        window,
        side if tile_size == "auto" else tile_size,
        taken,
        focus,
        margin=mixer.margin,
        tiles_again=mixer.uses_network,
    )
    started = time.monotonic()
    classifier = None
    if mixer.uses_network:
        classifier = TileClassifier(checkpoint, chosen, size, attention, dtype)
    in_bfloat16 = dtype == torch.bfloat16 and mixer.uses_network and not attention
    pace = Pace(math.prod(window.shape), known)
    classified = 0
    looks_ahead = classifier is not None and classifier.looks_ahead

    def read(unit: Unit) -> tuple[Tile, Tile, Tensor | None]:
        """Return a unit's tile, as the network reads it, and as its device fetches it."""
        tile = read_unit(cube, unit, mixer.margin, checkpoint)
        if classifier is None:
            return tile, tile, None
        narrow = tile.with_margin(checkpoint.model.patch_size // 2)
        return tile, narrow, classifier.stage(narrow)

    ahead = ReadAhead(order, read, READERS if looks_ahead else 1)

    def begun() -> tuple[Unit, Tile, Tile] | None:
        """Return the next unit with its tile, and as the network reads it; the device begins."""
        found = ahead.next()
        if found is None:
            return None
        unit, (tile, narrow, staged) = found
        if classifier is not None:
            classifier.begin(narrow, staged)
        mixer.begin(tile)
        return unit, tile, narrow

    try:
        with pace.working():
            now = begun()
        while now is not None:
            unit, tile, narrow = now
            following = None
            if looks_ahead:
                with pace.working():
                    following = begun()
            pace.text = f"Mapping rows {unit.window.row0}-{unit.window.row1}"
            done_before = pace.done
            said, scalars = yield from _classify(tile, narrow, classifier, mixer, pace)
            pace.done = done_before + int(unit.new.sum())
            classified += len(said)
            made = _map_tile(unit, tile, checkpoint.classes, said, scalars, pace)
            yield (
                replace(made, probabilities=_laid_out(unit, tile, said)) if probabilities else made
            )
            if not looks_ahead:
                with pace.working():
                    following = begun()
            now = following
    finally:
        ahead.close()
    return Mapped(
        region=window,
        seconds=time.monotonic() - started,
        pixels=classified,
        device=str(chosen),
        precision="bfloat16" if in_bfloat16 else "float32",
    )


def _classify(
    tile: Tile, narrow: Tile, classifier: TileClassifier | None, mixer: Mixer, pace: Pace
) -> Generator[Progress, None, tuple[NDArray[np.float32], NDArray[np.float32] | None]]:
    """Return the probabilities (n, classes) and attention scalars (4, n) of a tile's pixels."""
    probabilities, of_pixels = mixer.unclassified(tile), None
    if classifier is not None:
        said, scalars = yield from classifier.classify(narrow, pace)
        probabilities[tile.measured] = said[narrow.measured]
        of_pixels = None if scalars is None else scalars[:, narrow.measured]
    mixed = yield from mixer.mix(tile, probabilities, pace)
    return mixed[tile.measured], of_pixels


def _map_tile(
    unit: Unit,
    tile: Tile,
    classes: ClassTable,
    probabilities: NDArray[np.float32],
    scalars: NDArray[np.float32] | None,
    pace: Pace,
) -> MapTile:
    """Sum up a unit's probabilities (n, classes) and lay them out on its lattice."""
    measured = measured_pixels(unit, tile)

    def laid_out(values: NDArray[np.float32]) -> NDArray[np.float32]:
        array = np.full((*values.shape[:-1], *measured.shape), np.nan, np.float32)
        array[..., measured] = values
        return array

    ids = np.full(measured.shape, UNLABELLED, np.uint16)
    ids[measured] = np.asarray(classes.ids, np.uint16)[probabilities.argmax(-1)]
    largest = np.partition(probabilities, -2, axis=-1)[:, -2:]
    logs = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
    entropy = -(probabilities * logs).sum(-1) / math.log(len(classes))
    return MapTile(
        **pace.fields(),
        window=unit.window,
        stride=unit.stride,
        new=unit.new,
        ids=ids,
        confidence=laid_out(largest[:, 1]),
        margin=laid_out(largest[:, 1] - largest[:, 0]),
        entropy=laid_out(np.clip(entropy, 0, 1)),
        attention=None if scalars is None else laid_out(scalars),
    )


def _laid_out(unit: Unit, tile: Tile, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lay a unit's probabilities (n, classes) out on its lattice, (rows, columns, classes)."""
    measured = measured_pixels(unit, tile)
    array = np.full((*measured.shape, probabilities.shape[1]), np.nan, np.float32)
    array[measured] = probabilities
    return array
