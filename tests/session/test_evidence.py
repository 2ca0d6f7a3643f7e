"""What is said of the error that is looked at, against the map and plain numpy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_ssamamba.audit.confusion import Cell
from napari_ssamamba.events import result_of
from napari_ssamamba.prediction.predictor import predict


@pytest.fixture
def session(audited_session, tiny_job):
    audited_session.set_labels(tiny_job.reference)
    audited_session.audit.choose_cell(Cell(5, 9))
    return audited_session


def test_probabilities_are_the_models_and_near_pixels_are_its_training_pixels(
    session, tiny_job, tiny_checkpoint
):
    assert session.evidence.run() is None
    session.audit.step(1)
    found = result_of(session.evidence.run())
    session.evidence.set_pixel(found)
    row, column = found.pixel
    assert found.pixel == session.audit.looked_at and found.predicted == 9
    mapped = result_of(predict(tiny_job.cube, tiny_checkpoint, device="cpu"))
    id, probability = found.most_probable[0]
    assert id == mapped.ids[row, column]
    assert probability == pytest.approx(mapped.confidence[row, column], abs=1e-5)
    chances = [p for _, p in found.most_probable]
    assert len(chances) == 3 and chances == sorted(chances, reverse=True)

    trained = tiny_checkpoint.training_pixels
    of_class = trained[tiny_job.reference.ids[tuple(trained.T)] == 9]
    assert found.trained == found.compared == len(of_class)
    distances = np.sort(np.hypot(*(of_class - (row, column)).T))
    assert [n.distance for n in found.nearest[:3]] == pytest.approx(distances[:3].tolist())
    good = tiny_job.cube.good_bands
    spectra = tiny_job.cube.read_pixels(*of_class.T)[:, good].astype(float)
    own = tiny_job.cube.read_pixels([row], [column])[0, good].astype(float)
    cosines = spectra @ own / np.linalg.norm(spectra, axis=1) / np.linalg.norm(own)
    assert found.nearest[3].angle == pytest.approx(np.degrees(np.arccos(cosines.max())), abs=1e-3)


def test_it_goes_with_the_model(session, tiny_checkpoint):
    session.audit.step(1)
    session.evidence.set_pixel(result_of(session.evidence.run()))
    session.set_checkpoint(tiny_checkpoint)
    assert session.evidence.pixel is None


def test_it_is_of_the_map_that_is_shown_not_of_the_next(session, tiny_checkpoint):
    session.audit.step(1)
    before = result_of(session.evidence.run())
    other = {name: 0 * value for name, value in tiny_checkpoint.weights.items()}
    session.set_checkpoint(replace(tiny_checkpoint, weights=other))
    session.audit.step(1)
    session.audit.step(-1)
    assert session.map.outdated
    assert result_of(session.evidence.run()).most_probable == before.most_probable
    session.mapping.run().close()
    session.audit.visit(before.pixel)
    assert session.evidence.model()[0] is session.checkpoint
