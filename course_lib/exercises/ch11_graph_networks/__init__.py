"""The exercises of chapter 11, Graph networks."""

SECTIONS = ("graphs", "spectral_convolution", "spatial_convolution", "spectral_or_spatial")
