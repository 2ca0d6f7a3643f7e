"""How fast the network runs here, beside its equations and what this machine could do at most.

Everything is measured in one run and in turns, round by round, because machines change their speed
from minute to minute; the medians over the rounds are reported.

Where the time goes (2 cores, AVX-512, preset ``standard``, float32): 83 % in matrix products, which
run near the ceiling, 4 % in copies, 4 % in layer norms, 9 % in all else. In bfloat16 the products
take 60 %; the activations and the softmax do not become faster with them. The small products of
the preset ``compact`` stay well below the ceiling, which large ones define. A training step of the
preset ``standard`` spends half its time in the products of forward and backward pass, so that
twice the speed of the recursion needs bfloat16.
"""

from __future__ import annotations

import multiprocessing
import re
import statistics
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from napari_ssamamba.events import Progress
from napari_ssamamba.model.cost import flops_a_patch
from napari_ssamamba.model.device import has_fast_bfloat16
from napari_ssamamba.model.inference.scene import SceneInference
from napari_ssamamba.model.mamba_unit import MambaUnit
from napari_ssamamba.model.network import SSAMamba, load_network
from napari_ssamamba.model.state_space import StateSpace, recursion
from napari_ssamamba.prediction.classifier import automatic_batch_size

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from napari_ssamamba.model.config import ModelConfig

PRODUCT_SIZES = {"cpu": (512, 1024, 2048), "cuda": (4096, 8192)}
"""Sides of the square matrices whose product gives the ceiling; the best one counts."""

PLAIN_PATCHES = {"standard": 64, "compact": 512}
"""Patches that the slow forms are timed on."""

PLAIN_BATCH = {"cpu": 32, "cuda": 512}
"""How many of these at once."""

TRAINING_BATCH = 16

FLOAT32, BFLOAT16 = torch.float32, torch.bfloat16
CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure.

    Attributes
    ----------
    name : str
    value : float
    unit : str
    ratio_to : dict of str to float
        How many times as fast as each of these; of a matrix product, the share that is reached.
    """

    name: str
    value: float
    unit: str
    ratio_to: dict[str, float] = field(default_factory=dict)


def benchmark(
    networks: Mapping[str, SSAMamba],
    blocks: Mapping[str, Sequence[Tensor]],
    device: torch.device = CPU,
) -> Generator[Progress, None, list[Row]]:
    """Measure networks on a device; on the CPU at PyTorch's present number of threads.

    Parameters
    ----------
    networks : mapping of str to SSAMamba
        By name of their preset; trained, so that the share of classes that bfloat16 leaves
        unchanged means something.
    blocks : mapping of str to sequence of Tensor, shape (rows + P - 1, columns + P - 1, C)
        For each network tiles of a scene with their halo, standardised; one a round.
    device : torch.device
        The CPU or an NVIDIA GPU.

    Yields
    ------
    Progress
        In rounds.

    Returns
    -------
    list of Row
    """
    precisions = [FLOAT32, BFLOAT16] if has_fast_bfloat16(device) else [FLOAT32]
    benches = [_Bench(name, networks[name], precisions, device) for name in networks]
    ceilings: dict[torch.dtype, list[float]] = defaultdict(list)
    total = sum(len(tiles) for tiles in blocks.values())
    done = 0
    for bench in benches:
        for block in blocks[bench.name]:
            text = f"Measuring {bench.name}"
            yield Progress(done=done, total=total, text=text)
            for dtype in precisions:
                rates = [_product_rate(n, dtype, device) for n in PRODUCT_SIZES[device.type]]
                ceilings[dtype].append(max(rates))
            for _ in bench.measure(block.to(device)):
                yield Progress(done=done, total=total, text=text)
            done += 1
    best = {dtype: statistics.median(rates) for dtype, rates in ceilings.items()}
    rows = [
        Row(f"matrix product, {_short(dtype)}", rate / 1e9, "GFLOP/s")
        for dtype, rate in best.items()
    ]
    return rows + [row for bench in benches for row in bench.rows(best)]


class _Bench:
    """One network in all its forms."""

    def __init__(
        self, name: str, network: SSAMamba, precisions: list[torch.dtype], device: torch.device
    ) -> None:
        self.name = name
        self.device = device
        network = network.to(device)
        self.config = network.config
        self.precisions = precisions
        weights = network.state_dict()
        self.recursion = load_network(self.config, weights).to(device)
        self.plain = load_network(self.config, weights).to(device)
        for module in self.recursion.modules():
            if isinstance(module, StateSpace):
                module.evaluate = recursion
        for form in (self.recursion, self.plain):
            for module in form.modules():
                if isinstance(module, MambaUnit):
                    module.literal = True
        self.inferences = {dtype: SceneInference(network, dtype) for dtype in precisions}
        self.steps = {
            "recursion": _training_step(self.recursion, FLOAT32, device),
            "convolution": _training_step(self.plain, FLOAT32, device),
            **{
                f"ours {_short(dtype)}": _training_step(
                    load_network(self.config, weights).to(device), dtype, device
                )
                for dtype in precisions
            },
        }
        self.mapping: dict[str, list[float]] = defaultdict(list)  # seconds a pixel
        self.training: dict[str, list[float]] = defaultdict(list)  # seconds a step
        self.memory: dict[str, float | None] = {}  # MiB
        self.unchanged: list[Tensor] = []

    def measure(self, block: Tensor) -> Iterator[None]:
        """Take one round; pauses between its parts."""
        patches = self._patches(block)
        for name, form in (("recursion", self.recursion), ("convolution", self.plain)):
            form.eval()
            self.mapping[name].append(self._seconds(partial(_run, form, patches)) / len(patches))
            yield
        classes = []
        for dtype, inference in self.inferences.items():
            name = f"ours {_short(dtype)}"
            if self.device.type == "cuda":  # kernels are compiled and graphs recorded only once
                _map(self.config, inference, block)
                torch.cuda.synchronize()
            started = time.perf_counter()
            logits = _map(self.config, inference, block)
            if self.device.type == "cuda":
                torch.cuda.synchronize()
            seconds = time.perf_counter() - started
            self.mapping[name].append(seconds / logits[..., 0].numel())
            if name not in self.memory:
                self.memory[name] = self._memory_of_map(dtype, block)
            classes.append(logits.argmax(-1))
            yield
        if len(classes) == 2:
            self.unchanged.append(classes[0] == classes[1])
        for name, step in self.steps.items():
            self.training[name].append(self._seconds(partial(step, patches)))
            yield

    def rows(self, ceilings: dict[torch.dtype, float]) -> list[Row]:
        """Sum up all rounds."""
        flops = flops_a_patch(self.config)
        seconds = {name: statistics.median(values) for name, values in self.mapping.items()}
        rows = []
        for name, value in seconds.items():
            dtype = BFLOAT16 if name.endswith(_short(BFLOAT16)) else FLOAT32
            ratios = {f"matrix product, {_short(dtype)}": flops / value / ceilings[dtype]}
            if name != "recursion":
                ratios["recursion"] = seconds["recursion"] / value
            rows.append(Row(f"{self.name} map, {name}", 1 / value, "pixels/s", ratios))
        if self.unchanged:
            share = torch.stack(self.unchanged).double().mean().item()
            rows.append(Row(f"{self.name} map, unchanged by bfloat16", 100 * share, "% of pixels"))
        for name, peak in self.memory.items():
            if peak is not None:
                rows.append(Row(f"{self.name} map, {name}: memory", peak, "MiB"))
        steps = {name: statistics.median(values) for name, values in self.training.items()}
        for name, value in steps.items():
            ratios = {} if name == "recursion" else {"recursion": steps["recursion"] / value}
            unit = "ms a step"
            rows.append(Row(f"{self.name} training, {name}", 1000 * value, unit, ratios))
        return rows

    def _seconds(self, work: Callable[[], object]) -> float:
        return _seconds(work, self.device)

    def _memory_of_map(self, dtype: torch.dtype, block: Tensor) -> float | None:
        """Return the MiB that mapping a tile needs: on a GPU of its memory, else of a process."""
        weights = {name: value.cpu() for name, value in self.plain.state_dict().items()}
        if self.device.type != "cuda":
            return _memory_of_map(self.config, weights, dtype, block)
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_reserved()
        network = load_network(self.config, weights).to(self.device)
        _map(self.config, SceneInference(network, dtype), block)
        return (torch.cuda.max_memory_reserved() - before) / 2**20

    def _patches(self, block: Tensor) -> Tensor:
        """Cut the first patches of a tile, bands last in memory."""
        side = self.config.patch_size
        windows = block.unfold(0, side, 1).unfold(1, side, 1).flatten(0, 1)
        patches = windows[: PLAIN_PATCHES.get(self.name, TRAINING_BATCH)]
        return patches.contiguous(memory_format=torch.channels_last)


def _map(config: ModelConfig, inference: SceneInference, block: Tensor) -> Tensor:
    """Classify a tile as the predictor does, (rows, columns, classes)."""
    rows, columns = (n - config.patch_size + 1 for n in block.shape[:2])
    size = automatic_batch_size(config, block.device, inference.dtype)
    pixels = torch.cartesian_prod(torch.arange(rows), torch.arange(columns))
    tile = inference.open_tile(block)
    if inference.recorded is not None:
        return tile.logits(pixels[:, 0], pixels[:, 1], size).view(rows, columns, -1)
    parts = [tile.logits(*part.T) for part in torch.split(pixels, size)]
    return torch.cat(parts).view(rows, columns, -1)


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    """Time the second of two runs; the first one warms caches and allocators."""
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


@torch.inference_mode()
def _run(network: SSAMamba, patches: Tensor) -> None:
    for batch in patches.split(PLAIN_BATCH[patches.device.type]):  # type: ignore[no-untyped-call]
        network(batch)


def _training_step(
    network: SSAMamba, dtype: torch.dtype, device: torch.device
) -> Callable[[Tensor], None]:
    """Return what takes one step of AdamW, in mixed precision where the type is not float32.

    On a GPU its operations are launched one by one; a training replays them.
    """
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-6, fused=True)
    targets = torch.arange(TRAINING_BATCH, device=device) % network.config.classes

    def step(patches: Tensor) -> None:
        network.train()
        with torch.autocast(device.type, BFLOAT16, enabled=dtype != FLOAT32):
            logits = network(patches[:TRAINING_BATCH])
        loss = cross_entropy(logits.float(), targets)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()

    return step


@torch.inference_mode()
def _product_rate(n: int, dtype: torch.dtype, device: torch.device) -> float:
    """Return the rate of n × n matrix products, operations per second."""
    a, b = (torch.randn(n, n, device=device).to(dtype) for _ in range(2))
    out = torch.empty_like(a)
    repetitions = max(1, min(100, int(1e10 / (2 * n**3))))

    def products() -> None:
        for _ in range(repetitions):
            torch.mm(a, b, out=out)

    return 2 * n**3 * repetitions / _seconds(products, device)


def _memory_of_map(
    config: ModelConfig, weights: dict[str, Tensor], dtype: torch.dtype, block: Tensor
) -> float | None:
    """Map a tile in a process of its own; return the MiB that it then holds at most.

    None but on Linux, whose kernel keeps that figure for each process.
    """
    if not _STATUS.exists():
        return None
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as process:
        arguments = (config, weights, dtype, block, torch.get_num_threads())
        return process.submit(_map_alone, *arguments).result()


def _map_alone(
    config: ModelConfig, weights: dict[str, Tensor], dtype: torch.dtype, block: Tensor, threads: int
) -> float:
    torch.set_num_threads(threads)
    _map(config, SceneInference(load_network(config, weights), dtype), block)
    return int(re.findall(r"VmHWM:\s+(\d+) kB", _STATUS.read_text())[0]) / 1024


_STATUS = Path("/proc/self/status")
