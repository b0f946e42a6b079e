"""The exercises of the appendices."""

SECTIONS = ("gpu_kernels", "distributed_training")
