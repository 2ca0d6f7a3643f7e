"""``ssamamba info``: what there is to say about a scene."""

from __future__ import annotations

from napari_ssamamba.cli.inputs import (
    DebugOption,
    JsonOption,
    LayoutOption,
    SceneArgument,
    WavelengthsOption,
    open_scene_files,
)
from napari_ssamamba.cli.report import print_facts, print_json


def info(
    scene: SceneArgument,
    layout: LayoutOption = None,
    wavelengths: WavelengthsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Tell a scene's size, type, layout, wavelengths, bad bands, nodata and CRS."""
    from napari_ssamamba.data.info import describe

    described = describe(open_scene_files(scene, layout, wavelengths))
    if json:
        print_json(described)
        return
    centres, good = described["wavelengths"], described["good_bands"]
    off = [i + 1 for i, is_good in enumerate(good) if not is_good]
    print_facts(
        {
            "scene": described["name"],
            "size": f"{described['rows']} rows × {described['columns']} columns × "
            f"{described['bands']} bands",
            "type": f"{described['dtype']}, {described['interleave']}",
            "wavelengths": f"{min(centres):.1f} to {max(centres):.1f} nm" if centres else "unknown",
            "bands off": f"{len(off)}: {_ranges(off)}" if off else "none",
            "nodata": "none" if described["nodata"] is None else described["nodata"],
            "CRS": described["crs"] or "unknown",
            "transform": described["transform"] or "none",
            "synthetic": "yes" if described["synthetic"] else "no",
            "files": ", ".join(described["files"]) or "none",
        }
    )


def _ranges(numbers: list[int]) -> str:
    """Write ascending numbers as ranges: ``1-3, 7``."""
    runs: list[list[int]] = []
    for n in numbers:
        if runs and n == runs[-1][-1] + 1:
            runs[-1].append(n)
        else:
            runs.append([n])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
