"""The training's configuration and its two protocols."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from napari_ssamamba.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_ssamamba.model.config import ModelConfig

Protocol = Literal["interactive", "paper"]
"""``interactive``: for a few painted labels, in a minute. ``paper``: the published recipe."""

Standardisation = Literal["z-score", "min-max"]
"""How spectra are scaled, band by band."""

Statistics = Literal["training", "scene"]
"""Which pixels the scaling comes from."""

Sampling = Literal["uniform", "balanced"]
"""Which training pixels the batches hold: each as often, or each class as often."""

Precision = Literal["float32", "bfloat16", "auto"]
"""Of the products while training; ``auto``: on NVIDIA GPUs since Ampere TF32, which rounds what is
multiplied to 10 bits behind the point, else float32."""

Mixture = Literal["mixed", "network"]
"""What makes the map: the network beside a spectral expert, or the network alone."""

Config = TypeVar("Config", "TrainingConfig", "ModelConfig")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """How a network is trained; the defaults are the protocol ``interactive``.

    An epoch goes once through the training pixels, but has no fewer than ``min_steps / epochs``
    optimiser steps, so that few labels are learned too, and no more than ``max_steps / epochs``.

    Attributes
    ----------
    protocol : {"interactive", "paper"}
        Decides the optimiser: AdamW that spares state spaces, norms and biases the weight decay,
        or Adam with L2 on everything.
    epochs : int
        At most so many.
    min_steps, max_steps : int or None
        Bounds of the optimiser steps of all epochs together; None is none.
    batch_size : int
        At most so many patches a step.
    learning_rate : float
        The highest; it rises linearly during the warm-up and falls on a cosine to 0.
    weight_decay : float
    warmup : float
        Share of the steps.
    patience : int
        Training stops after so many epochs without a better validation accuracy.
    choose_from : int
        Least number of validation pixels that choose between the epochs' weights and stop the
        training. Fewer cannot tell good epochs from lucky ones: they are shown, and the last
        weights are kept.
    clip : float
        Largest norm of the gradient.
    augmentation : bool
        Whether patches are flipped and turned by quarter turns at random.
    sampling : {"uniform", "balanced"}
        Balanced batches hold each class as often: rare classes gain, overall accuracy may lose.
    precision : {"float32", "bfloat16", "auto"}
        Weights, validation and prediction are float32 in any case.
    settle_norms : bool
        Whether the batch norms' running statistics are computed anew from training patches before
        they are used; they do not settle in few steps.
    mixture : {"mixed", "network"}
        Whether a spectral expert is fitted to the labels too, and mixed with the network by
        weights that held-out training labels choose. This trains another network, of few steps;
        without lessons up to five.
    lessons : int
        Unlabelled pixels of the scene that the expert teaches the network, at most; 0 for none.
        With lessons a training takes ``max_steps``, or half of them for patches larger than 3 × 3,
        whatever the number of labels, at twice the learning rate.
    follow_scene : bool
        Whether patches shrink to 3 × 3 where the expert finds that a pixel's own spectrum tells
        more than its surroundings; needs the expert.
    validation_fraction : float
        Share of the labels that validate, where no split says which: neither network nor expert
        learns from them.
    standardisation : {"z-score", "min-max"}
    statistics : {"training", "scene"}
        Whether the scaling comes from the training pixels alone or from all of the scene, which is
        then read once; also from the pixels that the map is checked on.
    min_labels : int
        Least number of labelled pixels a class.
    restart_steps, restart_rate : float
        Shares of the steps and of the learning rate, for a training that starts from a model.
    seed : int

    Raises
    ------
    SettingError
        Where a value is out of its range.
    """

    protocol: Protocol = "interactive"
    epochs: int = 20
    min_steps: int | None = 200
    max_steps: int | None = 1200
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    warmup: float = 0.1
    patience: int = 20
    choose_from: int = 100
    clip: float = 1.0
    augmentation: bool = True
    sampling: Sampling = "uniform"
    precision: Precision = "auto"
    settle_norms: bool = True
    mixture: Mixture = "mixed"
    lessons: int = 6000
    follow_scene: bool = True
    validation_fraction: float = 0.1
    standardisation: Standardisation = "z-score"
    statistics: Statistics = "training"
    min_labels: int = 2
    restart_steps: float = 0.25
    restart_rate: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        for name, choices in (
            ("protocol", Protocol),
            ("sampling", Sampling),
            ("precision", Precision),
            ("standardisation", Standardisation),
            ("statistics", Statistics),
            ("mixture", Mixture),
        ):
            if getattr(self, name) not in get_args(choices):
                raise SettingError(
                    name, getattr(self, name), f"choose one of {', '.join(get_args(choices))}."
                )
        for name, least, most in (
            ("epochs", 1, 100_000),
            ("batch_size", 1, 65_536),
            ("patience", 1, 100_000),
            ("choose_from", 1, 1_000_000),
            ("lessons", 0, 1_000_000),
            ("min_labels", 1, 1_000_000),
            ("seed", 0, 2**31),
            ("learning_rate", 1e-9, 10),
            ("weight_decay", 0, 10),
            ("warmup", 0, 0.9),
            ("clip", 1e-6, 1e6),
            ("validation_fraction", 0, 0.9),
            ("restart_steps", 0.001, 1),
            ("restart_rate", 0.001, 1),
        ):
            if not least <= getattr(self, name) <= most:
                raise SettingError(
                    name, getattr(self, name), f"choose a number from {least:g} to {most:g}."
                )
        for name in ("min_steps", "max_steps"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SettingError(name, value, "choose 1 or more, or none for no bound.")
        if self.min_steps and self.max_steps and self.min_steps > self.max_steps:
            raise SettingError(
                "min_steps", self.min_steps, f"choose at most max_steps, {self.max_steps}."
            )

    def restarted(self) -> TrainingConfig:
        """Return the configuration of a training that starts from a model."""

        def fewer(number: int) -> int:
            return max(1, round(number * self.restart_steps))

        return replace(
            self,
            epochs=fewer(self.epochs),
            min_steps=None if self.min_steps is None else fewer(self.min_steps),
            max_steps=None if self.max_steps is None else fewer(self.max_steps),
            learning_rate=self.learning_rate * self.restart_rate,
        )

    def steps_per_epoch(self, n_train: int) -> int:
        """Return the number of optimiser steps of an epoch over so many training pixels."""
        steps = -(-n_train // self.batch_size)
        if self.min_steps is not None:
            steps = max(steps, -(-self.min_steps // self.epochs))
        if self.max_steps is not None:
            steps = min(steps, max(1, self.max_steps // self.epochs))
        return steps


def protocol(name: Protocol, seed: int = 0) -> TrainingConfig:
    """Return the configuration of a protocol.

    Raises
    ------
    SettingError
        Where no protocol has that name.
    """
    if name == "interactive":
        return TrainingConfig(seed=seed)
    if name == "paper":
        return TrainingConfig(
            protocol="paper",
            epochs=200,
            min_steps=None,
            max_steps=None,
            batch_size=16,
            learning_rate=1e-3,
            weight_decay=5e-4,
            warmup=5 / 200,
            patience=50,
            choose_from=1,
            clip=1.0,
            augmentation=False,
            settle_norms=False,
            mixture="network",
            lessons=0,
            follow_scene=False,
            standardisation="min-max",
            seed=seed,
        )
    raise SettingError("protocol", name, f"choose one of {', '.join(get_args(Protocol))}.")


def with_settings(config: Config, settings: Mapping[str, str]) -> Config:
    """Change fields of a configuration by name, from text.

    Parameters
    ----------
    config : TrainingConfig or ModelConfig
    settings : mapping of str to str
        Field to value, e.g. ``{"learning_rate": "3e-4", "augmentation": "false"}``; ``none``
        stands for None.

    Raises
    ------
    SettingError
        Where there is no such field, or the value is not of its kind or out of its range.
    """
    hints = get_type_hints(type(config))
    known = sorted(f.name for f in fields(config))
    changes: dict[str, Any] = {}
    for name, text in settings.items():
        if name not in known:
            raise SettingError(name, text, f"there is no such setting; known: {', '.join(known)}.")
        changes[name] = _parse(name, text.strip(), hints[name])
    return replace(config, **changes)


def _parse(name: str, text: str, kind: Any) -> object:
    """Read a value of a field's type."""
    if get_origin(kind) is UnionType:
        if text.lower() == "none":
            return None
        kind = next(k for k in get_args(kind) if k is not NoneType)
    if get_origin(kind) is Literal:
        return text  # the configuration itself checks it
    if kind is bool:
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if text.lower() not in words:
            raise SettingError(name, text, "choose true or false.")
        return words[text.lower()]
    try:
        return kind(text)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise SettingError(name, text, f"give {wanted}.") from None
