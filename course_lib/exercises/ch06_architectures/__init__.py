"""The exercises of chapter 6, Architectures."""

SECTIONS = (
    "lenet",
    "alexnet",
    "zfnet",
    "vgg",
    "network_in_network",
    "inception",
    "resnet",
    "densenet",
    "mobilenet",
    "comparison",
)
