"""A command that is told to end clears up; a map, or a training, goes on from there."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest
import rasterio
import torch
from command_line import SETTINGS, ssamamba, strips, strips_job

from napari_ssamamba.cli import main
from napari_ssamamba.data.reference import read_labels
from napari_ssamamba.data.writers import write_layers
from napari_ssamamba.project.checkpoints import load_checkpoint

if TYPE_CHECKING:
    from pathlib import Path
    from types import SimpleNamespace


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    return strips_job(tmp_path_factory.mktemp("job"))


def interrupted(code: str, *arguments: object, at: str, by: str = "SIGINT") -> tuple[str, str]:
    """Run a command in a process of its own, send a signal once it has told a word on stderr.

    Returns
    -------
    out, errors : str
        What it printed; of stderr what came after the word.
    """
    handler = "default_int_handler" if by == "SIGINT" else "SIG_DFL"  # whoever runs the tests
    start = f"import signal, sys; signal.signal(signal.{by}, signal.{handler})\n"
    end = "\nfrom napari_ssamamba.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", start + code + end, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert process.stderr is not None and f"{at}\n" in iter(process.stderr.readline, "")
    process.send_signal(getattr(signal, by))
    out, errors = process.communicate(timeout=10)
    assert process.returncode == 128 + getattr(signal, by)
    return out, errors


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_ctrl_c_ends_with_130_and_leaves_nothing(job: SimpleNamespace, tmp_path: Path) -> None:
    code = (
        "from napari_ssamamba.training import trainer; made = trainer.TrainingStarted\n"
        "told = lambda: print('training', file=sys.stderr, flush=True)\n"
        "trainer.TrainingStarted = lambda **fields: (told(), made(**fields))[1]"
    )
    out, errors = interrupted(
        code,
        *("train", job.scene, "--labels", job.labels, "--out", tmp_path / "m", "--device", "cpu"),
        *("--set", "epochs=100000", "--set", "max_steps=none", "--set", "patience=100000"),
        at="training",
    )
    assert out == "" and "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals for one process")
@pytest.mark.parametrize("by", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_map_goes_on_after_a_signal(
    job: SimpleNamespace, tmp_path: Path, user_data: Path, by: str
) -> None:
    cube, _ = strips(200)
    scene, out = tmp_path / "long.tif", tmp_path / "map.tif"
    write_layers(scene, np.moveaxis(np.asarray(cube.raw), -1, 0), list("abcde"), cube)
    code = (
        "import time\n"
        "from napari_ssamamba.project import unfinished_maps as maps\n"
        "maps.SECONDS_TO_KEEP, write = -1.0, maps.UnfinishedMap._write\n"
        "told = [lambda: (print('kept', file=sys.stderr, flush=True), time.sleep(60))]\n"
        "maps.UnfinishedMap._write = lambda *a: "
        "(write(*a), a[0].mapped > 2000 and told and told.pop()())[0]"
    )
    layers, store = tmp_path / "attention.tif", tmp_path / "probabilities.h5"
    command = "predict", job.model, scene, "--out", out, "--device", "cpu"
    command = *command, "--attention", layers, "--probabilities", store
    _, errors = interrupted(code, *command, at="kept", by=by)
    assert list(tmp_path.iterdir()) == [scene]
    found = re.search(r"([\d,]+) pixels of the map are kept; the same command goes on", errors)
    assert found is not None and "Traceback" not in errors
    result = ssamamba(*command, "--json")
    assert f"{found[1]} pixels are kept from before" in result.stderr
    assert json.loads(result.stdout)["pixels"] == 4000 - int(found[1].replace(",", ""))
    assert not list(user_data.rglob("*.npy"))
    assert (read_labels(out, cube).ids != 0).all()
    with rasterio.open(layers) as file:
        assert not np.isnan(file.read()).any()
    with h5py.File(store) as file:
        np.testing.assert_allclose(file["probabilities"][:].sum(-1), 1, atol=2e-3)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals for one process")
def test_a_training_goes_on_after_a_signal(
    job: SimpleNamespace, tmp_path: Path, user_data: Path
) -> None:
    code = (
        "import time\n"
        "from napari_ssamamba.project import unfinished_trainings as trainings\n"
        "trainings.SECONDS_TO_KEEP, write = 0.0, trainings.UnfinishedTraining._write\n"
        "told = [lambda: (print('kept', file=sys.stderr, flush=True), time.sleep(60))]\n"
        "trainings.UnfinishedTraining._write = lambda self, state: "
        "(write(self, state), state.epoch == 2 and told and told.pop()())[0]"
    )
    command = "train", job.scene, "--labels", job.labels, "--train-per-class", 12, "--seed", 1
    command = *command, "--device", "cpu", *SETTINGS, "--out"
    _, errors = interrupted(code, *command, tmp_path / "model", at="kept", by="SIGTERM")
    assert "The training is kept up to epoch 2; the same command goes on from there." in errors
    assert "Traceback" not in errors and list(tmp_path.iterdir()) == []
    result = ssamamba(*command, tmp_path / "model", "--json")
    assert "The training was taken up in epoch 2, kept from before." in result.stderr
    whole, again = load_checkpoint(job.model), load_checkpoint(tmp_path / "model")
    assert again.record.epochs == 3 and again.weights.keys() == whole.weights.keys()
    for name, value in whole.weights.items():  # of another number of threads, perhaps
        torch.testing.assert_close(again.weights[name], value, atol=1e-3, rtol=1e-3)
    assert not list(user_data.rglob("*.safetensors"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals for one process")
def test_a_comparison_goes_on_after_a_signal(job: SimpleNamespace, user_data: Path) -> None:
    code = (
        "import time\n"
        "from napari_ssamamba.comparison import compare as methods\n"
        "fit, came = methods.run_lda, []\n"
        "told = lambda: (print('third', file=sys.stderr, flush=True), time.sleep(60))\n"
        "methods.run_lda = lambda *a: "
        "(came.append(1), len(came) == 3 and told(), fit(*a))[-1]"
    )
    command = "compare", job.scene, "--labels", job.labels, "--train-per-class", 12
    command = *command, "--methods", "lda", "--device", "cpu"
    whole = json.loads(ssamamba(*command, "--json").stdout)
    _, errors = interrupted(code, *command, at="third")
    assert "The scores of 2 seeds are kept; the same command goes on from there." in errors
    assert "Traceback" not in errors
    result = ssamamba(*command, "--json")
    for seed, kept in ((0, True), (1, True), (2, False)):
        assert (f"The scores of seed {seed} are kept from before" in result.stderr) == kept
        assert f"seed {seed}, OA / AA %" in result.stderr
    again = json.loads(result.stdout)
    for row in (*whole["rows"], *again["rows"]):
        del row["train_seconds"], row["predict_seconds"]
    assert again == whole
    assert not list((user_data / "comparisons").iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
def test_a_terminal_that_closes_does_not_end_what_nohup_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handlers = {signal.SIGHUP: signal.SIG_IGN, signal.SIGTERM: signal.SIG_DFL}
    monkeypatch.setattr("signal.getsignal", handlers.get)
    monkeypatch.setattr("signal.signal", handlers.__setitem__)
    monkeypatch.setattr("sys.argv", ["ssamamba", "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert handlers[signal.SIGHUP] == signal.SIG_IGN and callable(handlers[signal.SIGTERM])
