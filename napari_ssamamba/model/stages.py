"""What stands before and after the blocks: input projection and integration (Eq. 1-2, 29-34).

Symbols: B patches, C bands, H = W = P patch side, d width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn.functional import gelu

from napari_ssamamba.model.dropout import Dropout
from napari_ssamamba.model.sparing import Sparing
from napari_ssamamba.model.squeeze_excitation import SqueezeExcitation

if TYPE_CHECKING:
    from napari_ssamamba.model.config import ModelConfig


class InputProjection(Sparing):
    """From bands to d channels: pixel by pixel first, then with the eight neighbours.

    Parameters
    ----------
    config : ModelConfig
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        d = config.d_model
        self.conv_pixel = nn.Conv2d(config.bands, d // 2, 1, bias=False)
        self.norm_pixel = nn.BatchNorm2d(d // 2)
        self.conv_near = nn.Conv2d(d // 2, d, 3, padding=1, bias=False)
        self.norm_near = nn.BatchNorm2d(d)
        self.dropout = Dropout(config.dropout)

    def forward(self, patches: Tensor) -> Tensor:
        """Map patches (B, C, H, W) to Z_proj (B, d, H, W)."""
        z = self.conv_pixel(patches)  # (B, d/2, H, W)
        # Eq. 1, and the convolution of Eq. 2
        z = self.part(lambda z: self.conv_near(gelu(self.norm_pixel(z))), z)  # (B, d, H, W)
        z = self.part(lambda z: gelu(self.norm_near(z)), z)  # Eq. 2
        z_proj: Tensor = self.dropout(z)
        return z_proj


class Integration(Sparing):
    """Neighbouring tokens joined again, channels weighted, the network's input added.

    Parameters
    ----------
    config : ModelConfig
        Its `global_residual` switches the last addition off.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        d = config.d_model
        self.conv_near = nn.Conv2d(d, d, 3, padding=1, groups=d, bias=False)
        self.norm_near = nn.BatchNorm2d(d)
        self.conv_pixel = nn.Conv2d(d, d, 1, bias=False)
        self.norm_pixel = nn.BatchNorm2d(d)
        self.dropout = Dropout(config.dropout, whole_channels=True)
        self.excitation = SqueezeExcitation(d)
        self.residual = config.global_residual

    def forward(self, z: Tensor, z_proj: Tensor) -> Tensor:
        """Map the last block's tokens as an image (B, d, H, W) to Z_final (B, d, H, W)."""
        z = self.conv_near(z)  # Eq. 30
        # Eq. 31, and the convolution of Eq. 32
        z = self.part(lambda z: self.conv_pixel(gelu(self.norm_near(z))), z)
        z = self.dropout(self.part(lambda z: gelu(self.norm_pixel(z)), z))  # Eq. 32
        z = z * self.excitation(z.mean((2, 3)))[..., None, None]  # Eq. 33
        return z + z_proj if self.residual else z  # Eq. 34
