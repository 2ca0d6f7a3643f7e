"""How many patches go through the network at once: fewer after the memory ran out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_ssamamba.errors import DeviceMemoryError
from napari_ssamamba.model.device import is_out_of_memory
from napari_ssamamba.model.streams import return_reserves

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class PatchesAtOnce:
    """The most patches that one pass takes, for one kind of pass.

    Parameters
    ----------
    count : int
        To begin with.
    device : torch.device
    """

    def __init__(self, count: int, device: torch.device) -> None:
        self.count = count
        self.device = device

    def parts(self, batch: Tensor) -> tuple[Tensor, ...]:
        """Cut a batch along axis 0 into parts that differ in size by one at most."""
        return batch.tensor_split(-(-len(batch) // self.count))

    def halve(self, error: RuntimeError, tried: int) -> str:
        """Take half as many from now on, and say so.

        Call it inside ``except``, but try again outside: the exception's frames hold tensors.

        Parameters
        ----------
        error : RuntimeError
            What the pass raised.
        tried : int
            Patches that it had.

        Returns
        -------
        str
            What the user should know.

        Raises
        ------
        RuntimeError
            `error` itself, where it is not for lack of memory.
        DeviceMemoryError
            Where a single patch did not fit.
        """
        if not is_out_of_memory(error):
            raise error
        if tried == 1:
            raise DeviceMemoryError(
                f"{self.device} has too little memory for a single patch. Choose the preset "
                "compact or the device cpu, and close other programs that use the device."
            ) from error
        self.count = min(self.count, tried) // 2
        if self.device.type == "cuda":
            return_reserves()
        return f"{self.device} ran out of memory; going on with {self.count} patches at once"
