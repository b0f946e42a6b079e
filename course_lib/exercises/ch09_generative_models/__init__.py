"""The exercises of chapter 9, Generative models."""

SECTIONS = (
    "why_generate",
    "variational_autoencoders",
    "adversarial_networks",
    "diffusion",
    "evaluation",
)
