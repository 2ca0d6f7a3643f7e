"""The page's plots as SVG that takes the page's text colour, so that it fits light and dark.

No plot holds a name from a file: legends and captions are the page's, which escapes them.
"""

from __future__ import annotations

import io
import itertools
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.audit.attention_maps import WEIGHT_GAMMA, WEIGHT_TICKS
from napari_ssamamba.audit.plot_order import plot_order
from napari_ssamamba.report.pictures import step_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from napari_ssamamba.audit.class_attention import MeanAttention
    from napari_ssamamba.audit.plot_order import PlotOrder
    from napari_ssamamba.audit.spectra import SpectralStatistics
    from napari_ssamamba.checkpoint import EpochRecord
    from napari_ssamamba.data.cube import Cube

INK = "#010203"
"""Stands for the page's text colour until the SVG is written."""

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "plot",
    "font.family": "sans-serif",
    "font.size": 8,
    "axes.linewidth": 0.6,
    "axes.grid": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "image.composite_image": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    **dict.fromkeys(
        ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK
    ),
}

METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
"""None of them is written."""

COLOUR_MAP = "viridis"

MAP_WIDTH, TALLEST = 5.0, 7.5
"""Inches."""


class Plots:
    """Draws plots; each has names of its own, so that all can be on one page."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def scene(
        self, picture: NDArray[np.uint8], cube: Cube, pixel_metres: float | None = None
    ) -> str:
        """Draw a picture of a scene with its rows and columns.

        Parameters
        ----------
        picture : ndarray of uint8, shape (rows, columns, 4)
            Of every n-th pixel, see `step_for`.
        cube : Cube
        pixel_metres : float, optional
            Side of a pixel, for a scale bar.
        """
        width = min(MAP_WIDTH, TALLEST * cube.columns / cube.rows)
        with _style():
            figure, [axes] = _figure(width, width * cube.rows / cube.columns)
            step = step_for(cube.shape)
            ends = picture.shape[1] * step - 0.5, picture.shape[0] * step - 0.5
            axes.imshow(picture, extent=(-0.5, ends[0], ends[1], -0.5), interpolation="none")
            axes.set_xlim(-0.5, cube.columns - 0.5)
            axes.set_ylim(cube.rows - 0.5, -0.5)
            axes.set_xlabel("column")
            axes.set_ylabel("row")
            axes.locator_params(nbins=6, integer=True)
            if pixel_metres is not None:
                _add_scale_bar(axes, cube.columns, pixel_metres)
            return self._svg(figure)

    def spectra(
        self,
        cube: Cube,
        confused: SpectralStatistics | None,
        classes: Sequence[tuple[SpectralStatistics | None, str]],
    ) -> str:
        """Draw mean ± deviation of confused pixels, dashed, over those of classes.

        Parameters
        ----------
        cube : Cube
            Bands that are off leave gaps.
        confused : SpectralStatistics or None
        classes : sequence of (SpectralStatistics or None, colour)
        """
        order = plot_order(cube.wavelengths, cube.good_bands)
        with _style():
            figure, [axes] = _figure(7.2, 2.6)
            for statistics, colour in classes:
                if statistics is not None:
                    _draw_spectrum(axes, cube, order, statistics, colour)
            if confused is not None:
                _draw_spectrum(axes, cube, order, confused, INK, dashed=True)
            axes.set_xlabel("band" if cube.wavelengths is None else "wavelength (nm)")
            axes.set_ylabel("value")
            axes.margins(x=0.01)
            _open(axes)
            return self._svg(figure)

    def learning_curves(self, history: Sequence[EpochRecord]) -> str:
        """Draw losses and validation accuracy over the epochs."""
        epochs = [e.epoch for e in history]
        validated = [
            (e.epoch, e.validation_loss, e.validation_accuracy)
            for e in history
            if e.validation_loss is not None and e.validation_accuracy is not None
        ]
        with _style():
            figure, axes = _figure(7.2, 2.2, columns=2 if validated else 1)
            loss = axes[0]
            loss.plot(epochs, [e.loss for e in history], ".-", color=INK, linewidth=1.2)
            loss.set_ylabel("cross-entropy")
            if validated:
                at, losses, accuracies = zip(*validated, strict=True)
                loss.plot(at, losses, ".--", color=INK, linewidth=1.2, alpha=0.6)
                axes[1].plot(at, accuracies, ".--", color=INK, linewidth=1.2, alpha=0.6)
                axes[1].set_ylabel("validation OA (%)")
            for one in axes:
                one.set_xlabel("epoch")
                one.locator_params(axis="x", integer=True)
                _open(one)
            return self._svg(figure)

    def attention(self, means: Sequence[MeanAttention | None]) -> str:
        """Draw heat maps side by side on the fixed scale of `on_weight_scale`.

        Parameters
        ----------
        means : sequence of MeanAttention or None
            A None leaves its place empty.
        """
        from matplotlib.colors import PowerNorm

        with _style():
            figure, axes = _figure(2.3 * len(means) + 0.5, 2.1, columns=len(means))
            shown = None
            for one, mean in zip(axes, means, strict=True):
                if mean is None:
                    one.set_axis_off()
                    continue
                grid = mean.grid()
                half = len(grid) / 2
                shown = one.imshow(
                    grid,
                    cmap=COLOUR_MAP,
                    norm=PowerNorm(WEIGHT_GAMMA, 0, 1),
                    extent=(-half, half, half, -half),
                    interpolation="none",
                )
                one.set_xlabel("columns from the pixel")
                one.locator_params(integer=True)
            axes[0].set_ylabel("rows from the pixel")
            if shown is not None:
                tokens = next(m.grid().size for m in means if m is not None)
                bar = figure.colorbar(
                    shown, ax=axes, shrink=0.9, label="weight", ticks=WEIGHT_TICKS, format="{x:g}"
                )
                bar.ax.axhline(1 / tokens, color="white", linewidth=1)
            return self._svg(figure)

    def _svg(self, figure: Figure) -> str:
        """Write a figure as SVG for the inside of a page."""
        name, file = f"plot{next(self._numbers)}-", io.StringIO()
        figure.savefig(file, format="svg", metadata=METADATA, bbox_inches="tight", pad_inches=0.04)
        text = file.getvalue()
        text = text[text.index("<svg") :].replace(INK, "currentColor")
        text = re.sub(r' (?:xmlns(?::xlink)?|version)="[^"]*"', "", text)
        text = re.sub(r'\bid="', f'id="{name}', text)
        text = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}", text)
        return re.sub(r"'DejaVu Sans'[^;\"]*sans-serif", "sans-serif", text)


def _style() -> AbstractContextManager[None]:
    from matplotlib import rc_context

    return rc_context(STYLE)


def _figure(width: float, height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """Make a figure with one row of axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, list(figure.subplots(1, columns, squeeze=False)[0])


def _open(axes: Axes) -> None:
    """Leave two sides of a plot open, with faint lines at the ticks."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=INK, alpha=0.15, linewidth=0.5)


def _draw_spectrum(
    axes: Axes,
    cube: Cube,
    order: PlotOrder,
    statistics: SpectralStatistics,
    colour: str,
    *,
    dashed: bool = False,
) -> None:
    """Draw mean and deviation, with gaps where bands are off."""
    at = np.arange(1.0, cube.bands + 1) if cube.wavelengths is None else cube.wavelengths
    gaps = np.flatnonzero(~order.connected[:-1]) + 1
    x, mean, deviation = (
        np.insert(values[order.bands], gaps, np.nan)
        for values in (at, statistics.mean, statistics.deviation)
    )
    axes.fill_between(x, mean - deviation, mean + deviation, color=colour, alpha=0.18, linewidth=0)
    if dashed:
        axes.plot(x, mean, color=colour, linewidth=1.6, dashes=(3, 2))
    else:  # a line in the text's colour beneath keeps light and dark colours visible
        axes.plot(x, mean, color=INK, linewidth=2.8, alpha=0.45)
        axes.plot(x, mean, color=colour, linewidth=1.6)


def _add_scale_bar(axes: Axes, columns: int, pixel_metres: float) -> None:
    """Draw a round length, about a quarter of the width, above the scene."""
    from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

    wanted = columns * pixel_metres / 4
    power = 10.0 ** np.floor(np.log10(wanted))
    metres = max(power * digit for digit in (1, 2, 5) if power * digit <= wanted)
    text = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
    axes.add_artist(
        AnchoredSizeBar(
            axes.transData,
            metres / pixel_metres,
            text,
            loc="lower right",
            bbox_to_anchor=(1.0, 1.0),
            bbox_transform=axes.transAxes,
            frameon=False,
            color=INK,
            size_vertical=0,
            sep=2,
            pad=0.2,
            borderpad=0,
        )
    )
