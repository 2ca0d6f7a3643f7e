"""Which public scenes can be downloaded: their files, checksums, band centres and classes.

The scenes are served by the Computational Intelligence Group (GIC) of the University of the
Basque Country. Their files name neither wavelengths nor classes; both come from the literature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

BASE_URL = "http://www.ehu.eus/ccwintco/uploads/"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a known version.

    Attributes
    ----------
    path : str
        Where it is, below `BASE_URL`; its name is the last part.
    size : int
        Bytes.
    sha256 : str
    """

    path: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """File name."""
        return self.path.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class PublishedScene:
    """A scene that can be downloaded.

    Attributes
    ----------
    name : str
        What users call it.
    description : str
        Sensor and place.
    cube, reference : RemoteFile
    centres : tuple of float, or None
        Band centres in nm, None where it was not published which bands the file holds.
    centres_note : str
        Where the centres come from, or why there are none.
    classes : dict
        Class id to name.
    """

    name: str
    description: str
    cube: RemoteFile
    reference: RemoteFile
    centres: tuple[float, ...] | None
    centres_note: str
    classes: dict[int, str]

    @property
    def size(self) -> int:
        """Bytes to download."""
        return self.cube.size + self.reference.size


def _without(centres: NDArray[np.float64], removed: Iterable[tuple[int, int]]) -> tuple[float, ...]:
    """Leave out ranges of bands, counted from 1, both ends included."""
    kept = np.ones(centres.size, bool)
    for first, last in removed:
        kept[first - 1 : last] = False
    return tuple(float(c) for c in np.round(centres[kept], 2))


def _numbered(names: str) -> dict[int, str]:
    """Give ids to names that are separated by semicolons, from 1."""
    return {i: name.strip() for i, name in enumerate(names.split(";"), start=1)}


_EVEN = "nominal: spread evenly over {} nm, not the sensor's calibrated centres"

_SALINAS_CENTRES = _without(np.linspace(400, 2500, 224), [(108, 112), (154, 167), (224, 224)])
_INDIAN_PINES_CENTRES = _without(np.linspace(400, 2500, 220), [(104, 108), (150, 163), (220, 220)])
# Hyperion's bands 1 to 70 and 71 to 242, of which the published file keeps five ranges.
_HYPERION_CENTRES = np.concatenate(
    [np.linspace(355.59, 1057.68, 70), np.linspace(851.92, 2577.08, 172)]
)
_BOTSWANA_CENTRES = _without(
    _HYPERION_CENTRES, [(1, 9), (56, 81), (98, 101), (120, 133), (165, 186), (221, 242)]
)

_SALINAS_CLASSES = _numbered(
    "Brocoli_green_weeds_1; Brocoli_green_weeds_2; Fallow; Fallow_rough_plow; Fallow_smooth; "
    "Stubble; Celery; Grapes_untrained; Soil_vinyard_develop; Corn_senesced_green_weeds; "
    "Lettuce_romaine_4wk; Lettuce_romaine_5wk; Lettuce_romaine_6wk; Lettuce_romaine_7wk; "
    "Vinyard_untrained; Vinyard_vertical_trellis"
)

_SCENES = (
    PublishedScene(
        "Salinas-A",
        "AVIRIS, Salinas Valley, California: 83 × 86, vegetables",
        RemoteFile(
            "1/1a/SalinasA_corrected.mat",
            1539086,
            "d75684ed3ab71a1024cee0f9db9061f50a3523a92ff5edfbbb1eed976b9f1721",
        ),
        RemoteFile(
            "a/aa/SalinasA_gt.mat",
            587,
            "17814c1d3296c0e29b27f320f2c4174d2a68adb87e376abe78f02923e2c2e454",
        ),
        _SALINAS_CENTRES,
        _EVEN.format("400–2500"),
        {i: _SALINAS_CLASSES[i] for i in (1, 10, 11, 12, 13, 14)},
    ),
    PublishedScene(
        "Indian Pines",
        "AVIRIS, Indiana: 145 × 145, crops and woods",
        RemoteFile(
            "6/67/Indian_pines_corrected.mat",
            5953527,
            "ec2f8808710919d566f70f0d4aa885aae1ddfd42b734aba71c5e12ca65450939",
        ),
        RemoteFile(
            "c/c4/Indian_pines_gt.mat",
            1125,
            "65c4687a8ab04f6da4789799bc3bc4f6e88bccac3ed6a2e6ae367e5e6b9e429c",
        ),
        _INDIAN_PINES_CENTRES,
        _EVEN.format("400–2500"),
        _numbered(
            "Alfalfa; Corn-notill; Corn-mintill; Corn; Grass-pasture; Grass-trees; "
            "Grass-pasture-mowed; Hay-windrowed; Oats; Soybean-notill; Soybean-mintill; "
            "Soybean-clean; Wheat; Woods; Buildings-Grass-Trees-Drives; Stone-Steel-Towers"
        ),
    ),
    PublishedScene(
        "Pavia University",
        "ROSIS, Pavia, Italy: 610 × 340, a campus",
        RemoteFile(
            "e/ee/PaviaU.mat",
            34806917,
            "28447fa87f7a5797845e9a189c0da85e23b1d06a4ba7361e5ff44efbf834d2fb",
        ),
        RemoteFile(
            "5/50/PaviaU_gt.mat",
            11005,
            "23f6a426928f9b32984adffe659e29f554f9fb6c93b5a107528d308d5087a829",
        ),
        _without(np.linspace(430, 860, 103), []),
        _EVEN.format("430–860"),
        _numbered(
            "Asphalt; Meadows; Gravel; Trees; Painted metal sheets; Bare Soil; Bitumen; "
            "Self-Blocking Bricks; Shadows"
        ),
    ),
    PublishedScene(
        "Salinas",
        "AVIRIS, Salinas Valley, California: 512 × 217, vegetables and vineyards",
        RemoteFile(
            "a/a3/Salinas_corrected.mat",
            26552770,
            "5ec1c0d22f56d18ecd336f8e35735863c0f160682e04e0c18ef3f89a3334d87d",
        ),
        RemoteFile(
            "f/fa/Salinas_gt.mat",
            4277,
            "ecfab4d31ef5553f097943235d8ea502038eb4a2067b2ad10b33e37c949955e2",
        ),
        _SALINAS_CENTRES,
        _EVEN.format("400–2500"),
        _SALINAS_CLASSES,
    ),
    PublishedScene(
        "KSC",
        "AVIRIS, Kennedy Space Center, Florida: 512 × 614, coastal vegetation",
        RemoteFile(
            "2/26/KSC.mat",
            56824624,
            "b1ad011cfdb65c853e4f9f6108ca4774467d87f90a5c23b74ff3a2984a3b4786",
        ),
        RemoteFile(
            "a/a6/KSC_gt.mat",
            3240,
            "a1d6ab9293691006bd4d9742d1a1e1c141b1aaa5fbc5fa128b33c1d09038510b",
        ),
        None,
        "unknown: which 176 of AVIRIS's 224 bands the file holds was not published",
        _numbered(
            "Scrub; Willow swamp; CP hammock; CP/Oak; Slash pine; Oak/Broadleaf; "
            "Hardwood swamp; Graminoid marsh; Spartina marsh; Cattail marsh; Salt marsh; "
            "Mud flats; Water"
        ),
    ),
    PublishedScene(
        "Botswana",
        "Hyperion, Okavango Delta, Botswana: 1476 × 256, swamps and woodlands",
        RemoteFile(
            "7/72/Botswana.mat",
            78911133,
            "f1603903c844cdc2980550b0180688e8e1a72d4292595d1120e1dec2a80a91c7",
        ),
        RemoteFile(
            "5/58/Botswana_gt.mat",
            4039,
            "668394905e10e629c16584bfd02b0f533b96d6ba18a63274a94ff3a77126a887",
        ),
        _BOTSWANA_CENTRES,
        "nominal: Hyperion's bands 10–55, 82–97, 102–119, 134–164 and 187–220",
        _numbered(
            "Water; Hippo grass; Floodplain grasses 1; Floodplain grasses 2; Reeds 1; Riparian; "
            "Firescar 2; Island interior; Acacia woodlands; Acacia shrublands; "
            "Acacia grasslands; Short mopane; Mixed mopane; Exposed soils"
        ),
    ),
)

SAMPLES = {scene.name: scene for scene in _SCENES}
"""The scenes by name."""
