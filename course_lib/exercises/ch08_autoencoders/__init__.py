"""The exercises of chapter 8, Autoencoders."""

SECTIONS = (
    "autoencoders",
    "stacked_and_convolutional",
    "denoising",
    "sparse_and_contractive",
    "applications",
    "segmentation_decoders",
)
