"""Which bands decided: how much each adds to a class's probability, and what happens without it.

Both compare with the scene's mean spectrum. Integrated gradients (Sundararajan, Taly & Yan, ICML
2017) follow the map's own probability on the straight way from the mean to the measured spectra;
what all bands add up to is the difference of both probabilities (completeness). Masking does it:
bands are replaced by the mean, and the map's own predictor says what it would then map.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.audit.plot_order import plot_order
from napari_ssamamba.audit.spectra import band_positions
from napari_ssamamba.data.cube import has_measurement
from napari_ssamamba.data.tiles import Tile
from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.prediction.map_function import MapFunction
    from napari_ssamamba.prediction.mixer import Members
    from napari_ssamamba.prediction.pixel import PixelClassifier

STEPS = (50, 200)
"""Of the integral: the second number where the first leaves more than `TOLERANCE`."""

TOLERANCE = 0.01
"""Of the probability, that the integral may miss."""

AT_ONCE = 25
"""Steps that are computed together: with 200 bands and the preset standard, 0.3 GB."""

WINDOWS, WINDOW = 16, 32
"""How many windows of a large scene its mean is taken of, and their side in pixels."""

WHOLE_PIXELS = 2**16
"""Up to so many, the mean is of all pixels."""

RUN_NM, RUN_BANDS = 40.0, 5
"""Widest run of bands that `strongest_run` looks for; bands where there are no wavelengths."""


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """What the bands add to the probability of one class, as a mean over pixels.

    Symbols: n pixels, k bands of the model.

    Attributes
    ----------
    bands : ndarray of int64, shape (k,)
        Of the scene.
    values : ndarray of float64, shape (k,)
        What each adds, the surroundings' part included.
    target : int
        Id of the class.
    probability, baseline : float
        Of the class, as measured and at the scene's mean.
    residual : float
        ``probability − baseline − values.sum()``: what the numeric integral misses.
    pixels : ndarray of int32, shape (n, 2)
    members : {"mixed", "network", "expert"}
        What was explained.
    """

    bands: NDArray[np.int64]
    values: NDArray[np.float64]
    target: int
    probability: float
    baseline: float
    residual: float
    pixels: NDArray[np.int32]
    members: Members


@dataclass(frozen=True, slots=True, eq=False)
class Masking:
    """What the map would say without some bands.

    Attributes
    ----------
    low, high : float
        The bands' range, in nm or band numbers.
    bands : ndarray of int64, shape (k,)
        Of the scene; those that were replaced.
    target : int
        Id of the class whose probability it is.
    before, after : float
        Mean probability over the pixels.
    changed : int
        Pixels that would be mapped as another class.
    instead : int or None
        The class that most of these would be mapped as.
    n : int
        Pixels.
    members : {"mixed", "network", "expert"}
    """

    low: float
    high: float
    bands: NDArray[np.int64]
    target: int
    before: float
    after: float
    changed: int
    instead: int | None
    n: int
    members: Members


def scene_mean(cube: Cube, *, seed: int = 0) -> Generator[Progress, None, NDArray[np.float64]]:
    """Average a scene, a large one by random windows.

    Parameters
    ----------
    cube : Cube
    seed : int
        Of the windows.

    Yields
    ------
    Progress

    Returns
    -------
    ndarray of float64, shape (bands,)
        NaN where no pixel has a value.
    """
    total, count = np.zeros(cube.bands), np.zeros(cube.bands)
    parts = _parts_to_average(cube, seed)
    for done, (rows, columns) in enumerate(parts):
        yield Progress(done=done, total=len(parts), text="Averaging the scene")
        block = cube.read(rows, columns, slice(None))
        spectra = block[has_measurement(block[..., cube.good_bands])].astype(np.float64)
        total += np.nansum(spectra, axis=0)
        count += np.isfinite(spectra).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _parts_to_average(cube: Cube, seed: int) -> list[tuple[slice, slice]]:
    """Cut a small scene into strips of rows; choose windows of a large one."""
    if cube.rows * cube.columns <= WHOLE_PIXELS:
        return [(slice(r, r + WINDOW), slice(None)) for r in range(0, cube.rows, WINDOW)]
    rng, parts = np.random.default_rng(seed), []
    for _ in range(WINDOWS):
        row, column = (int(rng.integers(max(1, n - WINDOW + 1))) for n in (cube.rows, cube.columns))
        parts.append((slice(row, row + WINDOW), slice(column, column + WINDOW)))
    return parts


def strongest_run(attribution: Attribution, cube: Cube) -> tuple[float, float]:
    """Return the range of the neighbouring bands that add or take most together.

    It is at most `RUN_NM` wide (`RUN_BANDS` bands without wavelengths), and does not reach across
    bands that the model does not read.
    """
    read = np.zeros(cube.bands, bool)
    read[attribution.bands] = True
    added = np.zeros(cube.bands)
    added[attribution.bands] = attribution.values
    order = plot_order(cube.wavelengths, read)
    x = band_positions(cube)[order.bands]
    width = RUN_BANDS - 1.0 if cube.wavelengths is None else RUN_NM
    best, found = -1.0, (0, 0)
    for part in np.split(np.arange(x.size), np.flatnonzero(~order.connected[:-1]) + 1):
        sums = np.concatenate([[0.0], added[order.bands[part]].cumsum()])
        for first in range(part.size):
            ends = int(np.searchsorted(x[part], x[part[first]] + width, side="right"))
            totals = np.abs(sums[first + 1 : ends + 1] - sums[first])
            last = int(totals.argmax())
            if totals[last] > best:
                best, found = float(totals[last]), (int(part[first]), int(part[first + last]))
    return float(x[found[0]]), float(x[found[1]])


class BandExplainer:
    """Explains the map of one checkpoint, on the CPU.

    What is needed of torch is loaded with the first pixel, and kept.

    Parameters
    ----------
    checkpoint : Checkpoint
    members : {"mixed", "network", "expert"}
        What made the map.
    """

    def __init__(self, checkpoint: Checkpoint, members: Members) -> None:
        self.checkpoint = checkpoint
        self.members: Members = members

    @cached_property
    def _function(self) -> MapFunction:
        from napari_ssamamba.prediction.map_function import MapFunction

        return MapFunction(self.checkpoint, self.members).eval()

    @cached_property
    def _predictor(self) -> PixelClassifier:
        from napari_ssamamba.prediction.pixel import PixelClassifier

        return PixelClassifier(self.checkpoint, self.members)

    def attribute(
        self, cube: Cube, pixels: NDArray[np.int32], mean: NDArray[np.float64], target: int | None
    ) -> Generator[Progress, None, Attribution | None]:
        """Integrate gradients, pixel by pixel.

        Parameters
        ----------
        cube : Cube
        pixels : ndarray of int32, shape (n, 2)
        mean : ndarray of float64, shape (bands,)
            The scene's, as of `scene_mean`.
        target : int or None
            Id of a class; None for that which the first pixel is mapped as.

        Yields
        ------
        Progress
            In pixels.

        Returns
        -------
        Attribution or None
            None where no pixel was measured.
        """
        import torch

        yield Progress(done=0, total=len(pixels), text="Finding which bands decided")
        ids = self.checkpoint.classes.ids
        level = torch.from_numpy(self._baseline(mean))
        values, ends, used = [], [], []
        for done, (row, column) in enumerate(pixels.tolist()):
            tile = self._predictor.read(cube, row, column)
            if tile is None:
                continue
            block = torch.from_numpy(tile.block.astype(np.float64))[None]
            measured = block.ne(0).any(-1)
            start = torch.where(measured[..., None], level, 0.0)
            pixel = torch.tensor([[row, column]])
            with torch.no_grad():
                said = self._function(
                    torch.cat([start, block]), measured.expand(2, -1, -1), pixel.expand(2, -1)
                )
            if target is None:
                target = ids[int(said[1].argmax())]
            output = ids.index(target)
            both = said[:, output].numpy()
            wanted = float(both[1] - both[0])
            values.append(self._integrate(block, start, (measured, pixel), output, wanted))
            ends.append(both)
            used.append((row, column))
            yield Progress(done=done + 1, total=len(pixels), text="Finding which bands decided")
        if target is None or not used:
            return None
        added = np.mean(values, axis=0)
        baseline, probability = np.mean(ends, axis=0).tolist()
        return Attribution(
            bands=self.checkpoint.band_indices,
            values=added,
            target=target,
            probability=probability,
            baseline=baseline,
            residual=probability - baseline - float(added.sum()),
            pixels=np.array(used, np.int32),
            members=self.members,
        )

    def _integrate(
        self, block: Tensor, start: Tensor, more: tuple[Tensor, Tensor], output: int, wanted: float
    ) -> NDArray[np.float64]:
        """Return what each band adds on the way from `start`, shape (k,); `wanted` in all.

        `more` is what the function takes beside the block.
        """
        from captum.attr import IntegratedGradients

        method = IntegratedGradients(self._function)
        for steps in STEPS:
            found = method.attribute(
                block,
                start,
                target=output,
                additional_forward_args=more,
                n_steps=steps,
                internal_batch_size=AT_ONCE,
            )
            added = np.asarray(found.detach().sum((0, 1, 2)))
            if abs(wanted - added.sum()) <= TOLERANCE:
                break
        return added

    def mask(
        self,
        cube: Cube,
        pixels: NDArray[np.int32],
        mean: NDArray[np.float64],
        target: int,
        low: float,
        high: float,
    ) -> Generator[Progress, None, Masking | None]:
        """Replace bands by the scene's mean, in the pixels and around them, and map these again.

        Parameters
        ----------
        cube, pixels, mean
            As for `attribute`.
        target : int
            Id of the class whose probability is asked for.
        low, high : float
            Range of the bands, ends included: nm, or numbers for a scene without wavelengths.

        Returns
        -------
        Masking or None
            None where no pixel was measured.
        """
        bands = self.checkpoint.band_indices
        x = band_positions(cube)[bands]
        masked = (x >= low) & (x <= high)
        level = self._baseline(mean)
        said: list[NDArray[np.float64]] = []
        for done, (row, column) in enumerate(pixels.tolist()):
            yield Progress(done=done, total=len(pixels), text="Masking bands")
            tile = self._predictor.read(cube, row, column)
            if tile is not None:
                without, here = tile.block.copy(), tile.block.any(axis=-1)
                without[here] = np.where(masked, level, without[here])
                replaced = Tile(tile.window, tile.margin, without, tile.measured)
                whole = yield from self._predictor.classify(tile)
                said.append(np.stack((whole, (yield from self._predictor.classify(replaced)))))
        if not said:
            return None
        ids = np.array(self.checkpoint.classes.ids)
        probabilities = np.stack(said, axis=1)  # (2, n, K)
        before, after = ids[probabilities.argmax(-1)]
        other, counts = np.unique(after[before != after], return_counts=True)
        of_target = probabilities[..., int(np.flatnonzero(ids == target)[0])].mean(axis=1)
        return Masking(
            low=low,
            high=high,
            bands=bands[masked],
            target=target,
            before=float(of_target[0]),
            after=float(of_target[1]),
            changed=int((before != after).sum()),
            instead=int(other[counts.argmax()]) if other.size else None,
            n=len(before),
            members=self.members,
        )

    def _baseline(self, mean: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the scene's mean as the model sees it, shape (k,)."""
        bands = self.checkpoint.band_indices
        return self.checkpoint.standardiser(mean[bands].astype(np.float32)).astype(np.float64)
