"""The page of an audit: its figures are the map's, it needs nothing else, and names are text."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.errors import LabelsError
from napari_ssamamba.events import result_of
from napari_ssamamba.report.findings import AuditCase, find
from napari_ssamamba.report.page import audit_report

NASTY = """<script>alert(1)</script> "quoted" 'single' & $\\frac{1}{0}$ {{ 7 * 7 }}"""


@pytest.fixture(scope="module")
def page(case: AuditCase, read_page: Any) -> Any:
    return read_page(result_of(audit_report(case)).html)


def counted(case: AuditCase) -> tuple[Any, Any]:
    """Classes of reference and map at the pixels that count, by plain indexing."""
    reference, mapped = case.reference.ids.copy(), case.class_map.ids
    for row, column in (*case.checkpoint.training_pixels, *case.checkpoint.validation_pixels):
        reference[row, column] = 0
    both = (reference > 0) & (mapped > 0)
    return reference[both], mapped[both]


def test_the_matrix_holds_the_counts_and_shares_of_the_map(case: AuditCase, page: Any) -> None:
    reference, mapped = counted(case)
    rows = page.tables["Confusion matrix"]
    assert rows[0][1:] == ["Wheat", "Maize", "Water", "Pixels"]
    for row, name, true in zip(rows[1:], ("Wheat", "Maize", "Water"), (2, 5, 9), strict=True):
        total = int((reference == true).sum())
        expected = []
        for guess in (2, 5, 9):
            n = int(((reference == true) & (mapped == guess)).sum())
            expected.append(f"{n}|{100 * n / total:.1f} %" if n else "0")
        assert row == [name, *expected, str(total)]


def test_each_class_has_its_accuracies(case: AuditCase, page: Any) -> None:
    reference, mapped = counted(case)
    rows = page.tables["Each class"][1:]
    assert [row[0] for row in rows] == ["Wheat", "Maize", "Water"]
    for row, i in zip(rows, (2, 5, 9), strict=True):
        right = int(((reference == i) & (mapped == i)).sum())
        n, of_map = int((reference == i).sum()), int((mapped == i).sum())
        producers, users = right / n, right / of_map
        assert row[1:3] == [str(n), str(of_map)]
        assert row[3].split("|")[0] == f"{100 * producers:.1f}"
        assert row[4].split("|")[0] == f"{100 * users:.1f}"
        assert row[5] == f"{200 * producers * users / (producers + users):.1f}"
        low, high = map(float, row[3].split("|")[1].split("–"))
        assert low <= float(f"{100 * producers:.1f}") <= high


def test_the_overall_figures_stand_at_the_top(case: AuditCase, page: Any) -> None:
    reference, mapped = counted(case)
    top = page.text[: page.text.index("The map")]
    recalls = [100 * (mapped[reference == i] == i).mean() for i in (2, 5, 9)]
    assert f"{100 * (reference == mapped).mean():.1f} %" in top
    assert f"{np.mean(recalls):.1f} %" in top
    assert f"{(reference != mapped).sum()} wrong" in top


def test_it_says_which_pixels_count_and_how_far_they_are(case: AuditCase, page: Any) -> None:
    reference, _ = counted(case)
    facts = dict(page.tables["Truth and split"])
    left_out = len(case.checkpoint.training_pixels) + len(case.checkpoint.validation_pixels)
    assert facts["Pixels of the reference"] == str(int((case.reference.ids > 0).sum()))
    assert facts["Left out: trained or validated on"] == str(left_out)
    assert facts["Pixels that count"] == str(len(reference))
    assert facts["Split"] == case.checkpoint.record.split

    away = np.full(case.reference.ids.shape, 999)
    rows, columns = np.indices(away.shape)
    for row, column in case.checkpoint.training_pixels:
        away = np.minimum(away, np.maximum(abs(rows - row), abs(columns - column)))
    both = (case.truth.ids > 0) & (case.class_map.ids > 0)
    near = both & (away >= 1) & (away <= 2)  # nearer than a patch of 3
    [first, *_] = page.tables["By distance to the nearest training pixel"][1:]
    right = (case.truth.ids == case.class_map.ids)[near]
    assert first == ["1–2", str(int(near.sum())), f"{100 * right.mean():.1f}"]
    assert f"{100 * near.sum() / both.sum():.0f} % of them lie so near" in page.text


def test_the_page_needs_nothing_else(page: Any) -> None:
    names = [name for name, _ in page.tags]
    assert not {"script", "link", "iframe", "object", "embed", "base"} & set(names)
    for _, attributes in page.tags:
        for name in ("src", "href", "xlink:href", "srcset", "action"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:image/png;base64,", "#")), value
        assert not any(name.startswith("on") for name in attributes)


def test_neither_style_nor_text_names_another_place(case: AuditCase) -> None:
    html = result_of(audit_report(case)).html
    assert "://" not in html and "@import" not in html
    assert set(re.findall(r"url\((.)", html)) <= {"#"}


def test_references_inside_the_page_are_met_once(page: Any) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    used = {a["xlink:href"] for _, a in page.tags if (a.get("xlink:href") or "").startswith("#")}
    assert used and used <= {f"#{id}" for id in ids}


def test_pictures_and_tables_can_be_read_aloud(page: Any) -> None:
    for tag, attributes in page.tags:
        if tag == "img":
            assert attributes["alt"]
        if tag == "th":
            assert attributes["scope"] in ("row", "col")
        if attributes.get("role") == "img":
            assert attributes["aria-label"]


def test_names_from_files_stay_text(case: AuditCase, read_page: Any) -> None:
    table = case.reference.classes.rename(2, NASTY)
    nasty = replace(
        case,
        cube=replace(case.cube, name=NASTY),
        model_name=NASTY,
        reference=replace(case.reference, classes=table, name=NASTY),
        truth=replace(case.truth, classes=table, name=NASTY),
    )
    page = read_page(result_of(audit_report(nasty)).html)
    assert "script" not in [name for name, _ in page.tags]
    rows = page.tables["Confusion matrix"]
    assert rows[0][1] == NASTY and rows[1][0] == NASTY
    assert f"Audit of {NASTY}" in page.text


def test_confusions_come_by_size_with_their_surest_pixels(case: AuditCase, page: Any) -> None:
    headings = re.findall(r"(\d+) pixels? of (\w+) mapped as (\w+)", page.text)
    reference, mapped = counted(case)
    sizes = {
        ("Wheat", "Maize"): int(((reference == 2) & (mapped == 5)).sum()),
        ("Water", "Wheat"): int(((reference == 9) & (mapped == 2)).sum()),
    }
    assert [(a, b) for _, a, b in headings] == sorted(sizes, key=lambda pair: -sizes[pair])
    assert {(a, b): int(n) for n, a, b in headings} == sizes
    wrong = (case.truth.ids == 2) & (case.class_map.ids == 5)
    surest = np.argmax(np.where(wrong, case.class_map.confidence, 0))
    row, column = np.unravel_index(surest, wrong.shape)
    first = next(attributes["alt"] for tag, attributes in page.tags if tag == "img")
    assert f"row {row}, column {column}" in first


def test_a_map_without_errors_says_so(case: AuditCase, read_page: Any) -> None:
    right = np.where(case.class_map.ids > 0, case.reference.ids, 0).astype(np.uint16)
    perfect = replace(case, class_map=replace(case.class_map, ids=right))
    page = read_page(result_of(audit_report(perfect)).html)
    assert "No pixel that counts is wrong." in page.text


def test_a_network_without_attention_says_so(case: AuditCase, read_page: Any) -> None:
    blind = replace(case.checkpoint, model=replace(case.checkpoint.model, attention="none"))
    page = read_page(result_of(audit_report(replace(case, checkpoint=blind))).html)
    assert "This network has no attention to show." in page.text
    assert "Attention is" not in page.text and "Attention:" not in page.text


def test_learning_curves_come_from_the_model_where_it_has_them(
    case: AuditCase, page: Any, read_page: Any
) -> None:
    assert "Learning curves of the network" in page.text
    record = replace(case.checkpoint.record, history=())
    old = replace(case, checkpoint=replace(case.checkpoint, record=record))
    assert "holds no learning curves" in read_page(result_of(audit_report(old)).html).text


def test_what_is_synthetic_is_marked(case: AuditCase, page: Any, read_page: Any) -> None:
    assert "synthetic" not in page.text.lower()
    made = replace(case, cube=replace(case.cube, synthetic=True))
    marked = read_page(result_of(audit_report(made)).html)
    assert "Synthetic scene. It was made by a program" in marked.text
    assert "(synthetic scene)" in marked.text  # the title, which tabs show


def test_another_scene_has_no_distances(elsewhere: AuditCase, read_page: Any) -> None:
    page = read_page(result_of(audit_report(elsewhere)).html)
    assert "trained on another scene (tiny)" in page.text
    assert "By distance to the nearest training pixel" not in page.tables


def test_a_truth_that_the_map_does_not_meet_is_refused(case: AuditCase) -> None:
    elsewhere = np.where(case.class_map.ids == 0, case.reference.ids, 0).astype(np.uint16)
    nothing = replace(case, truth=replace(case.truth, ids=elsewhere))
    with pytest.raises(LabelsError, match="No pixel has a class in both"):
        result_of(find(nothing))


def test_a_class_that_the_reference_lacks_has_no_spectrum(case: AuditCase, read_page: Any) -> None:
    ids = case.class_map.ids.copy()
    ids[1:4, 5:15] = 7
    table = ClassTable((*case.class_map.classes, *ClassTable.from_ids([7], {7: "Rye"})))
    case = replace(case, class_map=replace(case.class_map, ids=ids, classes=table))
    page = read_page(result_of(audit_report(case)).html)
    assert "Rye (no pixel in training pixels)" in " ".join(page.text.split())
    [row] = [row for row in page.tables["Each class"] if row[0] == "Rye"]
    assert row[1] == "0" and row[3] == "–" and row[4].startswith("0.0")
