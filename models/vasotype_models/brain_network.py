"""The brain network: a whole head of any contrast in, the brain and its tissues out.

A small residual U-Net of the same blocks as the multitask network, on a 2.5 mm grid. The one
normalisation, from the head's intensity range to 0-1, happens inside ``forward``.
"""

from __future__ import annotations

import torch
from monai.networks.blocks.dynunet_block import UnetResBlock
from torch import Tensor, nn

from vasotype_models.contract import BRAIN_TISSUES
from vasotype_models.network import Architecture, Up

BRIGHTEST = 1.5
"""Intensities are clipped to 0 and this multiple of the range."""

BRAIN_ARCHITECTURE = Architecture((16, 32, 64, 128))


class BrainNetwork(nn.Module):
    """The graph that is exported.

    ``forward(image, range)`` takes a head [B, 1, X, Y, Z] in raw units and its dark and bright end
    [B, 2], and gives ``brain`` [B, 1, X, Y, Z] and ``tissue`` [B, 3, X, Y, Z], probabilities of
    CSF, grey and white matter that add up to that of brain. ``logits`` gives the logit of brain
    and the logits of the tissues within it.
    """

    def __init__(self, architecture: Architecture = BRAIN_ARCHITECTURE) -> None:
        super().__init__()
        self.architecture = architecture
        widths = architecture.widths
        self.stem = nn.Conv3d(1, widths[0], kernel_size=2, stride=2)
        steps = zip((widths[0], *widths), widths, (1, *[2] * (len(widths) - 1)), strict=False)
        self.encoder = nn.ModuleList(
            UnetResBlock(3, before, after, 3, stride, ("INSTANCE", {"affine": True}))
            for before, after, stride in steps
        )
        self.decoder = nn.ModuleList(
            Up(wide, narrow)
            for wide, narrow in zip(reversed(widths[1:]), reversed(widths[:-1]), strict=True)
        )
        self.head = nn.ConvTranspose3d(widths[0], 1 + len(BRAIN_TISSUES), kernel_size=2, stride=2)

    def logits(self, image: Tensor, ends: Tensor) -> tuple[Tensor, Tensor]:
        """Logit of brain [B, 1, ...] and logits of CSF, grey and white matter [B, 3, ...]."""
        low, high = ends[:, 0, None, None, None, None], ends[:, 1, None, None, None, None]
        x = ((image - low) / (high - low).clamp(min=1e-6)).clamp(0.0, BRIGHTEST)
        x = self.stem(x)
        skips: list[Tensor] = []
        for block in self.encoder:
            x = block(x)
            skips.append(x)
        skips.pop()
        for up in self.decoder:
            x = up(x, skips.pop())
        out = self.head(x)
        return out[:, :1], out[:, 1:]

    def forward(self, image: Tensor, ends: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities of brain, and of its tissues, at full resolution."""
        brain, tissue = self.logits(image, ends)
        inside = torch.sigmoid(brain)
        return inside, torch.softmax(tissue, dim=1) * inside
