"""The multitask network: raw images in, tissue probabilities and habitat logits out.

A residual-encoder 3-D U-Net of MONAI blocks behind a stride-2 patch stem (the shape that trains
fastest on a CPU at 1 mm). Everything that depends on voxel values happens inside ``forward``, so
training, the exported graph and embedders share one preprocessing.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from monai.networks.blocks.dynunet_block import UnetResBlock
from torch import Tensor, nn

from vasotype_models.contract import CHANNELS, HABITATS, QUANTITATIVE, STRUCTURAL, TISSUES

CLIP = 5.0
"""Structural intensities are clipped to this many scales around the location."""

QUANTITATIVE_SCALE = {"rcbv": 1.0, "ktrans": 0.02, "tbr": 1.0}
"""x -> log(1 + x / scale): near 1 at ordinary values, monotone, defined at zero."""
QUANTITATIVE_LIMIT = {"rcbv": 20.0, "ktrans": 2.0, "tbr": 15.0}

BACKGROUND_BIAS = 3.0
"""Initial logit of the background class: tumor is rare."""


@dataclass(frozen=True)
class Architecture:
    """Widths of the encoder stages, from half resolution down; each stage halves the grid."""

    widths: tuple[int, ...] = (24, 48, 96, 160)

    @property
    def multiple(self) -> int:
        """Every spatial side must be a multiple of this many voxels."""
        return int(2 ** len(self.widths))


class Normalise(nn.Module):
    """Raw channels to network input: robust scaling, clipping, masking, T1c - T1, availability.

    ``image`` [B, 7, X, Y, Z], ``mask`` [B, 1, X, Y, Z], ``present`` [B, 7], ``stats`` [B, 7, 2]
    give [B, 8, X, Y, Z]: four structural channels, the enhancement T1c - T1 (zero unless both are
    there) and three quantitative ones. Outside the mask and in absent channels it is zero.
    """

    channels = len(CHANNELS) + 1
    scale: Tensor
    limit: Tensor

    def __init__(self) -> None:
        super().__init__()
        scale = [QUANTITATIVE_SCALE[c] for c in QUANTITATIVE]
        limit = [QUANTITATIVE_LIMIT[c] for c in QUANTITATIVE]
        self.register_buffer("scale", torch.tensor(scale).view(1, -1, 1, 1, 1), persistent=False)
        self.register_buffer("limit", torch.tensor(limit).view(1, -1, 1, 1, 1), persistent=False)

    def forward(self, image: Tensor, mask: Tensor, present: Tensor, stats: Tensor) -> Tensor:
        """Normalised channels [B, 8, X, Y, Z]."""
        count = len(STRUCTURAL)
        there = present[:, :, None, None, None]
        location = stats[:, :count, 0, None, None, None]
        spread = stats[:, :count, 1, None, None, None].clamp(min=1e-6)
        structural = ((image[:, :count] - location) / spread).clamp(-CLIP, CLIP)
        structural = structural * mask * there[:, :count]
        quantitative = torch.minimum(image[:, count:].clamp(min=0.0), self.limit) / self.scale
        quantitative = torch.log1p(quantitative) * mask * there[:, count:]
        both = there[:, 0:1] * there[:, 1:2]
        enhancement = (structural[:, 1:2] - structural[:, 0:1]) * both
        return torch.cat([structural, enhancement, quantitative], dim=1)


class Up(nn.Module):
    """Transposed convolution, skip connection, residual block."""

    def __init__(self, wide: int, narrow: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose3d(wide, narrow, kernel_size=2, stride=2)
        self.block = UnetResBlock(3, 2 * narrow, narrow, 3, 1, ("INSTANCE", {"affine": True}))

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        """Features at the resolution of ``skip``."""
        return self.block(torch.cat([self.up(deep), skip], dim=1))


class Network(nn.Module):
    """The graph that is exported.

    ``forward(image, mask, present, stats)`` gives ``tissue`` [B, 4, X, Y, Z] probabilities and
    ``habitat`` [B, 5, X, Y, Z] logits. Habitat logits have no differences inside the blocks of the
    patch stem: a lesion's are pooled, so that nothing ties the voxels of a block together. Maps
    have a short way to them, in their own units: instance normalisation takes their level away.
    What a map adds has an offset, as an absent one says nothing and is no map of zeros.

    Availability enters as a learned bias after each encoder stage: a constant plane would vanish
    in the instance normalisation.
    """

    def __init__(self, architecture: Architecture | None = None) -> None:
        super().__init__()
        self.architecture = architecture or Architecture()
        widths = self.architecture.widths
        self.normalise = Normalise()
        self.stem = nn.Conv3d(Normalise.channels + 1, widths[0], kernel_size=2, stride=2)
        steps = zip((widths[0], *widths), widths, (1, *[2] * (len(widths) - 1)), strict=False)
        self.encoder = nn.ModuleList(
            UnetResBlock(3, before, after, 3, stride, ("INSTANCE", {"affine": True}))
            for before, after, stride in steps
        )
        self.availability = nn.ModuleList(nn.Linear(len(CHANNELS), width) for width in widths)
        self.decoder = nn.ModuleList(
            Up(wide, narrow)
            for wide, narrow in zip(reversed(widths[1:]), reversed(widths[:-1]), strict=True)
        )
        outputs = len(TISSUES) + len(HABITATS)
        self.head = nn.ConvTranspose3d(widths[0], outputs, kernel_size=2, stride=2)
        self.coarse_head = nn.Conv3d(widths[1], len(TISSUES), kernel_size=1)
        self.maps_head = nn.Conv3d(2 * len(QUANTITATIVE), len(HABITATS), kernel_size=1, bias=False)
        nn.init.zeros_(self.maps_head.weight)
        for bias in (self.head.bias, self.coarse_head.bias):
            assert bias is not None
            with torch.no_grad():
                bias.zero_()
                bias[0] = BACKGROUND_BIAS

    def features(
        self, image: Tensor, mask: Tensor, present: Tensor, stats: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What the heads see.

        Decoder features at half resolution [B, C, X/2, Y/2, Z/2] and at a quarter, and at half
        resolution the three scaled maps and, alike everywhere, which of them are there [B, 6, ...].
        """
        seen = self.normalise(image, mask, present, stats)
        x = self.stem(torch.cat([seen, mask], dim=1))
        skips: list[Tensor] = []
        for block, bias in zip(self.encoder, self.availability, strict=True):
            x = block(x) + bias(present)[:, :, None, None, None]
            skips.append(x)
        skips.pop()
        coarse = x
        for up in self.decoder:
            x = up(x, skips.pop())
            if len(skips) == 1:
                coarse = x
        maps = nn.functional.avg_pool3d(seen[:, -len(QUANTITATIVE) :], kernel_size=2)
        there = present[:, -len(QUANTITATIVE) :, None, None, None].expand_as(maps)
        return x, coarse, torch.cat([maps, there], dim=1)

    def logits(
        self, image: Tensor, mask: Tensor, present: Tensor, stats: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What training needs.

        Tissue logits [B, 4, X, Y, Z], habitat logits [B, 5, X/2, Y/2, Z/2] and tissue logits of the
        coarse head [B, 4, X/4, Y/4, Z/4].
        """
        fine, coarse, maps = self.features(image, mask, present, stats)
        weight, offset = self.head.weight, self.head.bias
        assert offset is not None
        count = len(TISSUES)
        tissue = nn.functional.conv_transpose3d(fine, weight[:, :count], offset[:count], stride=2)
        blocks = weight[:, count:].mean(dim=(2, 3, 4)).T[:, :, None, None, None]
        habitat = nn.functional.conv3d(fine, blocks, offset[count:]) + self.maps_head(maps)
        return tissue, habitat, self.coarse_head(coarse)

    def forward(
        self, image: Tensor, mask: Tensor, present: Tensor, stats: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Tissue probabilities and habitat logits at full resolution."""
        tissue, habitat, _ = self.logits(image, mask, present, stats)
        fine = nn.functional.interpolate(habitat, scale_factor=2, mode="trilinear")
        return torch.softmax(tissue, dim=1), fine
