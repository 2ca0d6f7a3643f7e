"""What a map and a training hold at once with the settings for a GPU, counted on the CPU."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import pytest
import torch
from tensor_bytes import Reserves, TensorBytes

from napari_ssamamba.events import result_of
from napari_ssamamba.model.config import preset
from napari_ssamamba.model.device import choose_device
from napari_ssamamba.model.inference.form import choose_precision
from napari_ssamamba.model.inference.scene import SceneInference
from napari_ssamamba.model.network import build_network, set_generator
from napari_ssamamba.model.sparing import spare_memory
from napari_ssamamba.prediction import classifier
from napari_ssamamba.prediction.classifier import automatic_batch_size
from napari_ssamamba.prediction.predictor import automatic_tile_size
from napari_ssamamba.training.config import Precision, Protocol, TrainingConfig, protocol
from napari_ssamamba.training.learner import VALIDATED_AT_ONCE, Learner, Samples
from napari_ssamamba.training.optimisation import begin_state
from napari_ssamamba.training.patches_at_once import PatchesAtOnce

PUBLISHED = 317e6
"""Bytes that the published implementation needs."""

WORKSPACES = 2 * 2 * 2**20
"""Bytes of segments with cuBLAS's memory: of the thread that trains, and of its backward passes."""


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_map_by_the_large_network_holds_less_than_published(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classifier, "is_replayed", lambda *_: False)  # as without Triton
    config, gpu = preset("standard", 256, 22), torch.device("cuda")
    batch = automatic_batch_size(config, gpu, dtype)
    side = automatic_tile_size(gpu, batch) + config.patch_size - 1
    with TensorBytes() as held, torch.inference_mode():
        network = build_network(config, torch.Generator()).eval()
        tile = SceneInference(network, dtype).open_tile(torch.zeros(side, side, 256))
        tile.logits(*torch.zeros(2, batch, dtype=torch.long))
    assert batch >= 128  # or a GPU is not kept busy
    assert held.peak < PUBLISHED


@pytest.mark.parametrize(
    ("recipe", "precision"),
    [("paper", "bfloat16"), ("paper", "float32"), ("interactive", "float32")],
)
def test_a_training_of_the_large_network_holds_less_than_published(
    recipe: Protocol, precision: Precision
) -> None:
    held = held_by_training(replace(protocol(recipe), precision=precision))
    reserved = held.reserved + WORKSPACES
    print(f"\n{recipe}, {precision}: {held.peak / 1e6:.0f} MB, {reserved / 1e6:.0f} with reserves")
    assert held.peak < reserved < PUBLISHED


def test_what_further_steps_would_need_is_given_back() -> None:
    with TensorBytes() as held:
        learner = make_learner(protocol("paper"), torch.device("cpu"), samples=32)
        before = held.now
        result_of(learner.step(torch.arange(learner.config.batch_size)))
        weights = sum(parameter.nbytes for parameter in learner.network.parameters())
        assert held.now > before + 1.9 * weights  # two moments
        learner.forget_steps()
        assert held.now < before + 0.1 * weights
        learner.network.eval()
        result_of(learner.validation_logits())  # it can still be asked


def test_tiles_do_not_shrink_with_the_batches_of_a_gpu() -> None:
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert automatic_tile_size(cpu, 16) < automatic_tile_size(cpu, None) == 32
    assert automatic_tile_size(gpu, 16) == automatic_tile_size(gpu, None) == 64


@pytest.mark.parametrize(("precision", "rounded"), [("auto", True), ("float32", False)])
def test_products_are_rounded_while_a_step_is_taken_only(
    precision: Precision, rounded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = make_learner(replace(protocol("paper"), precision=precision), torch.device("cpu"))
    products, seen = torch.backends.cuda.matmul, []
    forward = learner.network.forward

    def spy(patches: torch.Tensor) -> torch.Tensor:
        seen.append(products.allow_tf32)
        return forward(patches)

    monkeypatch.setattr(learner.network, "forward", spy)
    assert not products.allow_tf32
    result_of(learner.step(torch.arange(4)))
    assert seen == [rounded] and not products.allow_tf32


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("work", ["paper", "interactive", "map"])
def test_on_a_gpu_all_reserves_together_are_less_than_published(work: str) -> None:
    fresh = multiprocessing.get_context("spawn")  # in which nothing is kept aside yet
    with ProcessPoolExecutor(1, mp_context=fresh) as process:
        held, in_use = process.submit(held_on_a_gpu, work).result()
    print(f"\n{work}: {held / 1e6:.0f} MB, {in_use / 1e6:.0f} in use")
    assert held < PUBLISHED


def held_on_a_gpu(work: str) -> tuple[int, int]:
    """Train or map in this process; return the most bytes that were reserved, and in use."""
    gpu = choose_device("cuda")
    if work == "map":
        config = preset("standard", 256, 22)
        dtype = choose_precision("auto", config, gpu)
        batch = automatic_batch_size(config, gpu, dtype)
        side = automatic_tile_size(gpu, batch)
        inference = SceneInference(build_network(config, torch.Generator()).eval().to(gpu), dtype)
        rows, columns = torch.cartesian_prod(torch.arange(side), torch.arange(side)).T
        halo = side + config.patch_size - 1
        for pixels in (len(rows), len(rows), batch + 1, 1):  # of whole tiles, and of others
            tile = inference.open_tile(torch.zeros(halo, halo, 256).to(gpu))
            tile.logits(rows[:pixels], columns[:pixels], batch)
    else:
        learner = make_learner(protocol("paper" if work == "paper" else "interactive"), gpu)
        batches = learner.batches()
        for _ in range(12):  # the last are replayed
            result_of(learner.step(*next(batches)))
        for _ in range(3):
            if learner.config.settle_norms:
                result_of(learner.settle_norms())
            result_of(learner.validate())
    torch.cuda.synchronize()
    return torch.cuda.max_memory_reserved(), torch.cuda.max_memory_allocated()


def make_learner(config: TrainingConfig, device: torch.device, samples: int = 900) -> Learner:
    """Return the large network in training on samples, which validate as well."""
    generator = torch.Generator()
    network = build_network(preset("standard", 256, 22), generator).to(device)
    set_generator(network, torch.Generator(device))
    table = torch.zeros(samples * 49, 256, device=device)  # scattered labels share no pixel
    labelled = Samples(
        torch.arange(len(table), device=device).view(samples, 49),
        torch.arange(samples, device=device).remainder(22),
    )
    return Learner(network, table, labelled, labelled, config, generator)


def held_by_training(config: TrainingConfig) -> Reserves:
    """Take a step, then record one, a settling and a validation, as far as the CPU can."""
    with Reserves() as held:
        learner = make_learner(config, torch.device("cpu"))
        begin_state(learner.optimiser)
        held.trim()
        spare_memory(learner.network, config.batch_size)
        learner.validated_at_once = PatchesAtOnce(VALIDATED_AT_ONCE["cuda"], learner.table.device)
        drawn = next(learner.batches())
        learner.network.train()
        learner._whole_step(*drawn)
        held.record()
        learner._whole_step(*drawn)
        if config.settle_norms:
            next(learner.settle_norms())
        next(learner.validate())
    return held
