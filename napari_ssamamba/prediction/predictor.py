"""Prediction: from a checkpoint and a scene to a class map, tile by tile."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_ssamamba.data.classes import UNLABELLED
from napari_ssamamba.data.tiles import Window, check_region, read_tile, tile_grid
from napari_ssamamba.errors import SettingError
from napari_ssamamba.events import Pace, Progress
from napari_ssamamba.model.device import choose_device, choose_precision
from napari_ssamamba.prediction.class_map import ATTENTION_SCALARS, ClassMap, MapTile
from napari_ssamamba.prediction.classifier import TileClassifier, automatic_batch_size
from napari_ssamamba.prediction.mixer import Members, Mixer

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube

TILE_SIZE = {"cpu": 32, "mps": 64, "cuda": 256}
"""Side of a tile: small enough that the map is seen to grow, large enough for cheap halos."""


def predict(
    cube: Cube,
    checkpoint: Checkpoint,
    *,
    region: Window | None = None,
    device: str = "auto",
    batch_size: int | Literal["auto"] = "auto",
    attention: bool = False,
    tile_size: int | Literal["auto"] = "auto",
    first: tuple[int, int] | None = None,
    members: Members = "mixed",
    precision: Literal["float32", "bfloat16"] = "float32",
) -> Generator[Progress, None, ClassMap]:
    """Classify each pixel of a scene.

    The scene is read tile by tile, its patches are gathered batch by batch on the device. Neither
    tiles nor batches change the result by more than rounding. Closing the generator cancels; it
    yields after every batch.

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
    first : tuple of int, optional
        Row and column; the tiles nearest to it come first.
    members : {"mixed", "network", "expert"}
        A checkpoint without an expert is its network alone in any case.
    precision : {"float32", "bfloat16"}
        Of the network where no attention is asked for; see `choose_precision`.

    Yields
    ------
    Progress
        In pixels of the region: `MapTile` for each finished tile, plain `Progress` between
        batches, `Notice`.

    Returns
    -------
    ClassMap

    Raises
    ------
    BandsError
        Where the scene has other bands than those trained on.
    SettingError
        Where region, device, batch or tile size, or precision cannot be, where attention is asked
        of a network that has none, or a map by the expert of a model that has none.
    DeviceMemoryError
        Where not even one patch fits the device's memory.
    """
    checkpoint.check_bands(cube)
    window = check_region(region, cube)
    chosen = choose_device(device)
    dtype = choose_precision(precision, chosen)
    if attention and checkpoint.model.attention == "none":
        raise SettingError("attention", True, "this model has no attention; leave it out.")
    size = automatic_batch_size(checkpoint.model, chosen) if batch_size == "auto" else batch_size
    if size < 1:
        raise SettingError("batch_size", size, "choose 1 or more, or auto.")
    tiles = tile_grid(window, TILE_SIZE[chosen.type] if tile_size == "auto" else tile_size, first)
    started = time.monotonic()
    mixer = Mixer(checkpoint, members)
    if attention and not mixer.uses_network:
        raise SettingError("attention", True, "the expert has none; leave it out.")
    classifier = TileClassifier(checkpoint, chosen, size, attention, dtype)
    class_ids = np.asarray(checkpoint.classes.ids, np.uint16)

    ids = np.full((cube.rows, cube.columns), UNLABELLED, np.uint16)
    confidence = np.full(ids.shape, np.nan, np.float32)
    scalars = np.full((len(ATTENTION_SCALARS), *ids.shape), np.nan, np.float32)
    pace = Pace(window.shape[0] * window.shape[1])
    classified = 0
    for place in tiles:
        pace.text = f"Mapping rows {place.row0}-{place.row1}"
        with pace.working():
            tile = read_tile(
                cube,
                place,
                mixer.margin,
                checkpoint.standardiser,
                checkpoint.band_indices,
            )
        done = pace.done
        if mixer.uses_network:
            narrow = tile.with_margin(checkpoint.model.patch_size // 2)
            probabilities, of_attention = yield from classifier.classify(narrow, pace)
        else:
            probabilities, of_attention = mixer.unclassified(tile), None
        probabilities = yield from mixer.mix(tile, probabilities, pace)
        pace.done = done + tile.measured.size
        classified += int(tile.measured.sum())

        here = (place.rows, place.columns)
        ids[here][tile.measured] = class_ids[probabilities[tile.measured].argmax(-1)]
        confidence[here] = probabilities.max(-1)
        if of_attention is not None:
            scalars[:, *here] = of_attention
        yield MapTile(
            **pace.fields(),
            window=place,
            ids=ids[here].copy(),
            confidence=confidence[here].copy(),
            attention=of_attention,
        )
    return ClassMap(
        ids=ids,
        confidence=confidence,
        attention=scalars if attention else None,
        classes=checkpoint.classes,
        region=window,
        seconds=time.monotonic() - started,
        pixels=classified,
        device=str(chosen),
    )
