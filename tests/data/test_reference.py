"""References reach the scene's grid with their ids, names and colours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from rasterio import Affine
from scipy.io import savemat

from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.georeferencing import without_georeference_warning
from napari_ssamamba.data.readers import open_cube
from napari_ssamamba.data.reference import read_labels
from napari_ssamamba.errors import (
    AmbiguousFileError,
    FileFormatError,
    LabelsError,
    SettingError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IDS = np.array([[0, 1, 1, 10, 14], [0, 0, 1, 10, 14], [5, 5, 0, 0, 0], [5, 0, 0, 0, 0]])


def write_raster(
    path: Path,
    ids: np.ndarray[Any, Any],
    *,
    transform: Affine | None = None,
    crs: str | None = None,
    colors: dict[int, tuple[int, int, int]] | None = None,
    **options: Any,
) -> Path:
    values = ids if ids.ndim == 3 else ids[np.newaxis]
    with (
        without_georeference_warning(),
        rasterio.open(
            path,
            "w",
            driver=options.pop("driver", "GTiff"),
            count=values.shape[0],
            height=values.shape[1],
            width=values.shape[2],
            dtype=values.dtype,
            crs=crs,
            transform=transform,
            **options,
        ) as file,
    ):
        if colors:
            file.write_colormap(1, colors)
        file.write(values)
    return path


@pytest.mark.parametrize("kind", ["tif", "png", "npy", "mat", "envi"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float64])
def test_every_raster_keeps_its_ids(
    kind: str, dtype: type, tmp_path: Path, scene: Cube, write_envi: Callable[..., Path]
) -> None:
    path, values = tmp_path / f"gt.{kind}", IDS.astype(dtype)
    if kind == "tif":
        write_raster(path, values)
    elif kind == "png":
        write_raster(path, IDS.astype(np.uint8), driver="PNG")
    elif kind == "npy":
        np.save(path, values)
    elif kind == "mat":
        savemat(path, {"gt": values})
    else:
        write_envi(path, values[..., np.newaxis])
    labels = read_labels(path, scene)
    np.testing.assert_array_equal(labels.ids, IDS)
    assert labels.ids.dtype == np.uint16
    assert labels.classes.ids == (1, 5, 10, 14)
    assert labels.name == "gt"
    assert labels.path == path


def test_missing_labels_are_zero(tmp_path: Path) -> None:
    values = np.array([[np.nan, -1, 3, 255]], np.float32)
    labels = read_labels(write_raster(tmp_path / "gt.tif", values, nodata=255))
    assert labels.ids.tolist() == [[0, 0, 3, 0]]
    assert labels.classes.ids == (3,)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (np.array([[1.5, 2]]), "holds 1.5"),
        (np.array([[70_000, 2]]), "holds the id 70000"),
        (np.ones((2, 2, 3)), "shape"),
    ],
)
def test_values_that_are_no_class_ids(
    values: np.ndarray[Any, Any], found: str, tmp_path: Path
) -> None:
    np.save(tmp_path / "gt.npy", values)
    with pytest.raises(LabelsError, match=rf"gt\.npy.*{found}"):
        read_labels(tmp_path / "gt.npy")


def test_a_picture_in_colours_is_no_class_raster(tmp_path: Path) -> None:
    write_raster(tmp_path / "gt.png", np.zeros((3, 4, 5), np.uint8), driver="PNG")
    with pytest.raises(LabelsError, match="3 bands, a class raster has one"):
        read_labels(tmp_path / "gt.png")


@pytest.mark.parametrize("kind", ["GTiff", "PNG"])
def test_colour_tables_become_class_colours(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"gt.{kind}"
    colors = dict.fromkeys(range(15), (0, 0, 0)) | {10: (255, 128, 1)}
    write_raster(path, IDS.astype(np.uint8), driver=kind, colors=colors)
    assert read_labels(path).classes[10].color == "#ff8001"


def test_category_names_of_gdal(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "gt.tif", IDS.astype(np.uint8))
    names = "".join(f"<Category>{n}</Category>" for n in ["none", "roof", "", "tree"])
    (tmp_path / "gt.tif.aux.xml").write_text(
        f'<PAMDataset><PAMRasterBand band="1"><CategoryNames>{names}</CategoryNames>'
        "</PAMRasterBand></PAMDataset>"
    )
    classes = read_labels(path).classes
    assert {c.id: c.name for c in classes} == {
        1: "roof",
        3: "tree",
        5: "Class 5",
        10: "Class 10",
        14: "Class 14",
    }


def test_envi_classification_of_another_program(
    tmp_path: Path, write_envi: Callable[..., Path]
) -> None:
    path = write_envi(
        tmp_path / "gt.dat",
        np.minimum(IDS, 2).astype(np.uint8)[..., np.newaxis],
        file_type="ENVI Classification",
        classes=4,
        class_names="{Unclassified, roof,\n tree, water}",
        class_lookup="{0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255}",
    )
    classes = read_labels(path).classes
    assert [(c.id, c.name, c.color) for c in classes] == [
        (1, "roof", "#ff0000"),
        (2, "tree", "#00ff00"),
        (3, "water", "#0000ff"),
    ]


def test_which_matrix_is_asked_unless_one_fits(tmp_path: Path, scene: Cube) -> None:
    savemat(tmp_path / "gt.mat", {"train": IDS, "test": IDS * 2, "other": np.ones((9, 9))})
    with pytest.raises(AmbiguousFileError) as caught:
        read_labels(tmp_path / "gt.mat", scene)
    assert {c.value for c in caught.value.choices} == {"train", "test"}
    labels = read_labels(tmp_path / "gt.mat", scene, variable="test")
    np.testing.assert_array_equal(labels.ids, IDS * 2)
    savemat(tmp_path / "one.mat", {"cube": np.ones((4, 5, 6)), "gt": IDS, "o": np.ones((9, 9))})
    np.testing.assert_array_equal(read_labels(tmp_path / "one.mat", scene).ids, IDS)
    with pytest.raises(FileFormatError, match="no matrix 'truth'"):
        read_labels(tmp_path / "one.mat", scene, variable="truth")


def test_another_grid_is_named_with_both_sizes(tmp_path: Path, scene: Cube) -> None:
    np.save(tmp_path / "gt.npy", IDS.T)
    with pytest.raises(LabelsError, match=r"5 × 4 pixels, scene is 4 × 5. They may be transposed"):
        read_labels(tmp_path / "gt.npy", scene)


def placed(row: float, column: float, pixel: float = 30) -> Affine:
    """Transform of a raster that begins so many rows and columns from the scene's corner."""
    return Affine(pixel, 0, 500_000 + column * 30, 0, -pixel, 5_600_000 - row * 30)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (1, 2), (-2, -3), (3, 4), (-1, 1)])
def test_a_raster_with_a_position_is_put_where_it_belongs(
    row: int, column: int, tmp_path: Path, scene: Cube
) -> None:
    path = tmp_path / "gt.tif"
    write_raster(path, IDS.astype(np.uint8), transform=placed(row, column), crs="EPSG:32633")
    expected = np.zeros((4, 5), int)
    for r in range(4):
        for c in range(5):
            if 0 <= r + row < 4 and 0 <= c + column < 5:
                expected[r + row, c + column] = IDS[r, c]
    np.testing.assert_array_equal(read_labels(path, scene).ids, expected)


@pytest.mark.parametrize(
    ("transform", "crs", "found"),
    [
        (placed(0.5, 0), "EPSG:32633", "between its pixels"),
        (placed(50, 0), "EPSG:32633", "outside it"),
        (placed(0, 0, 20), "EPSG:32633", "differ in size"),
        (placed(0, 0), "EPSG:32632", "reference systems differ"),
    ],
)
def test_a_raster_on_another_grid(
    transform: Affine, crs: str, found: str, tmp_path: Path, scene: Cube
) -> None:
    path = write_raster(tmp_path / "gt.tif", IDS.astype(np.uint8), transform=transform, crs=crs)
    with pytest.raises(LabelsError, match=f"4 × 5 pixels, scene is 4 × 5.*{found}"):
        read_labels(path, scene)


def test_options_that_a_raster_has_not(tmp_path: Path) -> None:
    np.save(tmp_path / "gt.npy", IDS)
    with pytest.raises(SettingError, match="only polygons have fields"):
        read_labels(tmp_path / "gt.npy", field="class")
    with pytest.raises(SettingError, match="variable"):
        read_labels(tmp_path / "gt.npy", variable="gt")
    with pytest.raises(SettingError, match="GeoTIFF tiles"):
        read_labels([tmp_path / "gt.npy"] * 2)
    with pytest.raises(FileFormatError, match="no such file"):
        read_labels(tmp_path / "none.tif")


# Polygons in the scene's CRS: two rectangles of pixels, [left, right] × [top, bottom]
def rectangle(left: float, right: float, top: float, bottom: float) -> list[list[list[float]]]:
    x0, x1 = 500_000 + 30 * left, 500_000 + 30 * right
    y0, y1 = 5_600_000 - 30 * top, 5_600_000 - 30 * bottom
    return [[[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]]


@pytest.fixture
def polygons(tmp_path: Path) -> Callable[..., Path]:
    """Write GeoJSON polygons, two by default, with properties."""

    def write(*properties: dict[str, object], epsg: int = 32633) -> Path:
        from rasterio.warp import transform_geom

        rectangles = [rectangle(0, 2, 0, 2), rectangle(3, 5, 1, 4), rectangle(0, 1, 3, 4)]
        shapes = [{"type": "Polygon", "coordinates": r} for r in rectangles]
        content = {
            "type": "FeatureCollection",
            "crs": {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{epsg}"}},
            "features": [
                {
                    "type": "Feature",
                    "properties": p,
                    "geometry": transform_geom("EPSG:32633", f"EPSG:{epsg}", g),
                }
                for p, g in zip(properties, shapes, strict=False)
            ],
        }
        path = tmp_path / "areas.geojson"
        path.write_text(json.dumps(content))
        return path

    return write


DRAWN = np.array([[2, 2, 0, 0, 0], [2, 2, 0, 7, 7], [0, 0, 0, 7, 7], [0, 0, 0, 7, 7]])


@pytest.mark.parametrize("suffix", ["geojson", "gpkg", "shp"])
@pytest.mark.parametrize("epsg", [32633, 4326])
def test_polygons_of_any_format_and_crs(
    suffix: str, epsg: int, tmp_path: Path, scene: Cube, polygons: Callable[..., Path]
) -> None:
    path = polygons({"class": 2}, {"class": 7}, epsg=epsg)
    if suffix != "geojson":
        from pyogrio.raw import read, write

        meta, _, geometry, fields = read(path)
        path = tmp_path / f"areas.{suffix}"
        write(path, geometry, fields, meta["fields"], geometry_type="Polygon", crs=meta["crs"])
    labels = read_labels(path, scene)
    np.testing.assert_array_equal(labels.ids, DRAWN)
    assert labels.classes.ids == (2, 7)
    assert labels.name == "areas"


def test_texts_become_classes_in_alphabetical_order(
    scene: Cube, polygons: Callable[..., Path]
) -> None:
    labels = read_labels(polygons({"LABEL": "water"}, {"LABEL": "meadow"}, {"LABEL": None}), scene)
    assert [(c.id, c.name) for c in labels.classes] == [(1, "meadow"), (2, "water")]
    assert labels.counts() == {1: 6, 2: 4}


def test_ids_with_names_in_a_second_field(scene: Cube, polygons: Callable[..., Path]) -> None:
    path = polygons({"class_id": 2, "name": "lake"}, {"class_id": 7, "name": "wood"})
    assert read_labels(path, scene).classes.names == ("lake", "wood")


def test_colours_in_a_field_of_their_own(scene: Cube, polygons: Callable[..., Path]) -> None:
    path = polygons({"class": "lake", "Colour": "#0033FF"}, {"class": "wood", "Colour": "#00aa00"})
    assert [c.color for c in read_labels(path, scene).classes] == ["#0033ff", "#00aa00"]
    path = polygons({"class": "lake", "color": "blue"}, {"class": "wood", "color": "#00aa00"})
    lake, wood = read_labels(path, scene).classes
    assert lake.color.startswith("#")
    assert wood.color == "#00aa00"


def test_which_field_is_asked(scene: Cube, polygons: Callable[..., Path]) -> None:
    path = polygons({"id": 1, "crop": "rye", "year": 3}, {"id": 2, "crop": "oat", "year": 4})
    with pytest.raises(AmbiguousFileError) as caught:
        read_labels(path, scene)
    choices = {c.value: c for c in caught.value.choices}
    assert choices["crop"].description == "crop: rye, oat"
    choice = choices["crop"]
    labels = read_labels(path, scene, **{choice.option: choice.value})
    assert labels.classes.names == ("oat", "rye")
    with pytest.raises(LabelsError, match="no field 'kind'"):
        read_labels(path, scene, field="kind")


def test_polygons_that_cannot_be_drawn(
    tmp_path: Path, scene: Cube, ramp: np.ndarray[Any, Any], polygons: Callable[..., Path]
) -> None:
    path = polygons({"class": 2.5})
    with pytest.raises(LabelsError, match=r"'class' holds 2\.5"):
        read_labels(path, scene)
    path = polygons({"class": 2})
    with pytest.raises(LabelsError, match="need a scene"):
        read_labels(path)
    with pytest.raises(LabelsError, match="with a position"):
        read_labels(path, Cube(name="s", raw=ramp))
    far = Cube(name="s", raw=ramp, crs="EPSG:32633", transform=(0, 30, 0, 0, 0, -30))
    with pytest.raises(LabelsError, match="covers the centre of a pixel"):
        read_labels(path, far)
    (tmp_path / "bad.geojson").write_text('{"type": "FeatureColl')
    with pytest.raises(FileFormatError, match=r"bad\.geojson"):
        read_labels(tmp_path / "bad.geojson", scene)


def test_salinas_a(shared_data: Path) -> None:
    cube = open_cube(shared_data / "salinas_a/SalinasA_corrected.mat")
    labels = read_labels(shared_data / "salinas_a/SalinasA_gt.mat", cube)
    assert labels.counts() == {1: 391, 10: 1343, 11: 616, 12: 1525, 13: 674, 14: 799}


def test_enmap_label_tiles_on_the_scene_of_all_tiles(shared_data: Path) -> None:
    folder = shared_data / "enmap_potsdam"
    cube = open_cube(sorted((folder / "images").glob("*.tif")))
    tiles = sorted((folder / "labels").glob("*.tif"))
    labels = read_labels(tiles, cube)
    assert sum(labels.counts().values()) == 3806 + 1206
    one = read_labels(folder / "labels/enmap_potsdam_tile_160_64.tif", cube)
    np.testing.assert_array_equal(one.ids[64:96, 96:128], labels.ids[64:96, 96:128])
    assert one.ids.any()
    assert not one.ids[:64].any()


@pytest.mark.parametrize(
    ("file", "shape", "pixels", "classes"),
    [
        ("houston2013_partial/TRLabel.mat", (349, 1905), 2832, 15),
        ("houston2013_partial/TSLabel.mat", (349, 1905), 12197, 15),
        ("label_maps_only/WHU_Hi_HongHu_gt.mat", (940, 475), None, 22),
        ("indian_pines_partial/IndianTR123_temp123.tif", (145, 145), 695, 16),
        ("indian_pines_partial/IndianTE123_temp123.tif", (145, 145), 9671, 16),
    ],
)
def test_published_references(
    file: str, shape: tuple[int, int], pixels: int | None, classes: int, shared_data: Path
) -> None:
    labels = read_labels(shared_data / file)
    assert labels.ids.shape == shape
    assert len(labels.classes) == classes
    if pixels is not None:
        assert int((labels.ids > 0).sum()) == pixels
