"""Mixed precision: most of the forward pass in 16 bits, the weights and the sums in 32."""

from typing import Any

import torch


class Precision:
    """The two parts of mixed precision; both do nothing when it is off.

    ``autocast()`` runs matrix products in 16 bits: bfloat16 on CPUs and on GPUs that have it, else float16.
    ``scaler`` multiplies the loss so that small float16 gradients do not become zero (bfloat16 has the range
    of float32 and needs no scaling).

    Source: Micikevicius et al., "Mixed precision training", 2018.
    """

    def __init__(self, enabled: bool, device: torch.device) -> None:
        self.enabled = enabled
        self.device = device
        self.dtype = _sixteen_bits(device)
        self.scaler = torch.amp.GradScaler(device.type, enabled=enabled and self.dtype == torch.float16)

    def autocast(self) -> Any:
        """Return the context manager around the forward pass and the loss."""
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=self.enabled)


def _sixteen_bits(device: torch.device) -> torch.dtype:
    if device.type == "cpu" or (device.type == "cuda" and torch.cuda.is_bf16_supported()):
        return torch.bfloat16
    return torch.float16
