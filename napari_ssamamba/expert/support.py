"""What lies around a pixel supports its class: one step of relaxation, a soft opening.

What covers a pixel of a field goes on for some pixels, up or down and left or right. So a class
counts as much as it does, on average, in the one of nine squares with the pixel, of 7 × 7 pixels or
more, that has most of it: with that mean s, the probability p of class k becomes p (s / u)^w,
normalised, where s is less than u, what is usual at labels of the class. Unlike an average around
the pixel it leaves borders where they are. What is narrower than a square, as the wrong class along
the edge of a field is, counts less, but not where labels of the class lie in narrow places, too.
Held-out labels choose w.

Rosenfeld, Hummel and Zucker (Scene Labeling by Relaxation Operations, IEEE Transactions on Systems,
Man, and Cybernetics 6, 1976, 420-433) let labels support each other so, by averages.

Symbols: n pixels, K classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.expert.calibration import log_softmax, mean_log_loss

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_ssamamba.data.tiles import Tile

CELL = 3
"""A scene is cut into cells of so many rows and columns, each of which the pixel in its middle
stands for: it serves those of many pixels, and what a tile needs around it costs a ninth."""

CELLS = np.array([(0, 0), *(step for step in np.ndindex(5, 5) if step != (2, 2))]) - 2
CELLS[0] = 0
"""Steps to the pixel's own cell, for which it stands itself, and to those around it."""

REACH = 2 * CELL + CELL // 2
"""How far their middles are away, at most."""

SQUARES = [
    np.flatnonzero(((CELLS >= first) & (CELLS <= np.add(first, 2))).all(axis=1))
    for first in ((i - 2, j - 2) for i, j in np.ndindex(3, 3))
]
"""The nine squares of three by three cells in which the pixel's own lies, as places in `CELLS`."""

LEAST = 1e-3
"""Added to a mean of probabilities: no class is ruled out."""

WEIGHTS = np.arange(0, 8.25, 0.25)

EXPECTED = 5.0
"""Weight as far as held-out labels say nothing else.

What support changes in overall accuracy and in the average over classes, on random draws by seeds
of 10 and more, of the expert alone: +0.11 and +0.15 on Salinas-A with 5 labels a class (20 draws),
+0.06 and +0.09 with 10 (20), +1.2 and +0.7 on the built-in scene with 100 (two, with weights of 4.0
and 4.5), +1.4 and +0.6 with 30 (two). With 4 Salinas-A gains 0.01 less; with 6 both are level, but
the built-in scene's log-loss is a tenth higher. The corners of squares alone, of 4 to 8 pixels, and
other shapes are level within 0.05 on Salinas-A. Where the surroundings are left out it is not
asked: EnMAP with 30 labels, where the labels chose up to 0.75, lost 0.1 and 0.1 (three draws,
corners alone)."""

LABELS = 300
"""That it is chosen by, at most."""


def places_around(pixels: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return the pixels themselves, and the middles of the cells around each.

    Parameters
    ----------
    pixels : ndarray of int, shape (n, 2)
        Row and column in the scene.

    Returns
    -------
    ndarray of int64, shape (n, 25, 2)
        In the order of `CELLS`; they may lie beyond the scene's border.
    """
    own = pixels[:, None].astype(np.int64)
    return np.concatenate((own, (own // CELL + CELLS[1:]) * CELL + CELL // 2), axis=1)


def answers_around(
    tile: Tile,
) -> tuple[NDArray[np.bool_], tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Tell who has to be asked so that a tile's measured pixels can be supported.

    Parameters
    ----------
    tile : Tile
        Its margin is `REACH` or more.

    Returns
    -------
    wanted : ndarray of bool, shape (rows + 2 REACH, columns + 2 REACH)
        Pixels of the tile and around it to ask.
    at : tuple of two ndarrays of int, shape (n, 25)
        Rows and columns there of `places_around` the tile's measured pixels.
    """
    margin, shape = tile.margin - REACH, tuple(n + 2 * REACH for n in tile.measured.shape)
    rows, columns = (slice(margin, margin + n) for n in shape)
    steps = places_around(tile.pixels) - tile.pixels[:, None]
    places = np.argwhere(tile.measured)[:, None] + REACH + steps  # (n, 25, 2)
    at = places[..., 0], places[..., 1]
    wanted = np.zeros(shape, bool)
    wanted[at] = True
    wanted &= tile.block[rows, columns].any(axis=-1)
    wanted[REACH:-REACH, REACH:-REACH] |= tile.measured
    return wanted, at


def log_support(said: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return log s for each class.

    Parameters
    ----------
    said : ndarray of float64, shape (n, 25, K)
        Probabilities at `places_around` pixels.
    known : ndarray of bool, shape (n, 25)
        Which of them mean something; the first do.

    Returns
    -------
    ndarray of float64, shape (n, K)
    """
    counts = np.where(known[..., None], said, 0)
    best = np.zeros_like(said[:, 0])
    for square in SQUARES:
        mean = counts[:, square].sum(axis=1) / known[:, square].sum(axis=1)[:, None]
        np.maximum(best, mean, out=best)
    return np.asarray(np.log(best + LEAST))


def usual_support(support: NDArray[np.float64], targets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return log u: log s of each class at its own labels, two deviations below their mean, (K,).

    0 for a class without labels. With one deviation the built-in scene is level within 0.1 points;
    tracks of a pixel's width, five pixels of which are labelled, then lose a tenth.

    Parameters
    ----------
    support : ndarray of float64, shape (n, K)
        See `log_support`; by who did not learn from the labels.
    targets : ndarray of int64, shape (n,)
    """
    classes, own = support.shape[1], support[np.arange(len(targets)), targets]
    counts = np.maximum(np.bincount(targets, minlength=classes), 1)
    mean, square = (np.bincount(targets, own**n, classes) / counts for n in (1, 2))
    return np.asarray(mean - 2 * np.sqrt(np.maximum(square - mean**2, 0)))


def lack_of_support(
    support: NDArray[np.float64], usual: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return by how much log s, (n, K), is less than log u, (K,): 0 or negative."""
    return np.minimum(support - usual, 0.0)


def choose_weight(
    held_out: NDArray[np.float64], lack: NDArray[np.float64], targets: NDArray[np.int64]
) -> float:
    """Choose the weight by the likelihood of held-out labels and a prior.

    Parameters
    ----------
    held_out : ndarray of float64, shape (n, K)
        Log-probabilities of pixels by who did not learn from them.
    lack : ndarray of float64, shape (n, K)
        See `lack_of_support`.
    targets : ndarray of int64, shape (n,)
    """
    losses = [
        len(targets) * mean_log_loss(log_softmax(held_out + weight * lack), targets)
        + (weight - EXPECTED) ** 2 / 2
        for weight in WEIGHTS
    ]
    return float(WEIGHTS[int(np.argmin(losses))])
