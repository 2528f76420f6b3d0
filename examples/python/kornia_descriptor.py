# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""A network of twinpatch as kornia's LAFDescriptor wants it: an nn.Module from patches (B, 1, H, W) to descriptors (B, D).

    local_descriptor = kornia.feature.LAFDescriptor(TwinpatchDescriptor("hard128"), patch_size=64)
"""

import torch
from torch import nn

import twinpatch as tp


class TwinpatchDescriptor(nn.Module):
    """Inference only: no gradient flows. Patches on a GPU are copied to the host and their descriptors back."""

    def __init__(self, model: str = "hard128", **options):
        super().__init__()
        self.engine = tp.Engine(model, **options)

    @torch.no_grad()
    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """Grey levels (B, 1, H, W), float in [0, 1] as kornia has them, → descriptors (B, D) on the same device."""
        levels = (patches * 255).round().clamp(0, 255).to("cpu", torch.uint8).contiguous()
        return torch.from_numpy(self.engine.describe(levels)).to(patches.device)
