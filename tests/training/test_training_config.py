"""Settings of the training: the two protocols, and changes by name."""

from __future__ import annotations

from typing import Any

import pytest

from napari_ssamamba.errors import SettingError
from napari_ssamamba.model.config import preset
from napari_ssamamba.training.config import TrainingConfig, protocol, with_settings


def test_paper_is_the_published_recipe() -> None:
    paper = protocol("paper", seed=42)
    assert (paper.epochs, paper.patience, paper.batch_size) == (200, 50, 16)
    assert (paper.learning_rate, paper.weight_decay, paper.clip) == (1e-3, 5e-4, 1.0)
    assert paper.warmup * paper.epochs == pytest.approx(5)
    assert paper.standardisation == "min-max"
    assert paper.steps_per_epoch(900) == 57
    assert not paper.augmentation
    assert paper.choose_from == 1


def test_few_labels_get_enough_steps_and_many_do_not_take_for_ever() -> None:
    config = protocol("interactive")
    steps = [config.steps_per_epoch(n) * config.epochs for n in (10, 60, 1000, 100_000)]
    assert steps[0] == steps[1] == 200
    assert 200 < steps[2] <= steps[3] <= 1200


def test_a_training_that_starts_from_a_model_takes_a_quarter_of_the_steps() -> None:
    for config in (protocol("interactive"), protocol("paper")):
        again = config.restarted()
        assert again.learning_rate == config.learning_rate / 2
        for n in (10, 60, 1000, 100_000):
            steps = config.steps_per_epoch(n) * config.epochs
            assert again.steps_per_epoch(n) * again.epochs == steps / 4


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", 0.0),
        ("epochs", 0),
        ("batch_size", -1),
        ("validation_fraction", 1.0),
        ("standardisation", "log"),
        ("protocol", "mine"),
        ("sampling", "fair"),
        ("precision", "float16"),
        ("restart_steps", 0),
        ("restart_rate", 2),
        ("min_steps", 0),
        ("min_steps", 10_000),
        ("seed", -1),
    ],
)
def test_impossible_values_are_refused(name: str, value: Any) -> None:
    fields: dict[str, Any] = {name: value}
    with pytest.raises(SettingError, match=name):
        TrainingConfig(**fields)


def test_settings_are_read_from_text() -> None:
    changed = with_settings(
        protocol("interactive"),
        {
            "epochs": "7",
            "learning_rate": "3e-4",
            "augmentation": "False",
            "max_steps": "none",
            "standardisation": "min-max",
        },
    )
    assert (changed.epochs, changed.learning_rate) == (7, 3e-4)
    assert changed.augmentation is False
    assert changed.max_steps is None
    assert changed.standardisation == "min-max"
    model = with_settings(preset("compact", 10, 3), {"patch_size": "5", "attention": "none"})
    assert (model.patch_size, model.attention) == (5, "none")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("learning_rat", "1", "known: augmentation, batch_size"),
        ("epochs", "many", "whole number"),
        ("epochs", "1.5", "whole number"),
        ("learning_rate", "fast", "a number"),
        ("learning_rate", "nan", "choose a number"),
        ("augmentation", "maybe", "true or false"),
        ("standardisation", "log", "z-score, min-max"),
    ],
)
def test_wrong_settings_are_refused(name: str, text: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        with_settings(protocol("interactive"), {name: text})
