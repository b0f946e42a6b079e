"""The exercises of chapter 10, Sequences and transformers."""

SECTIONS = (
    "recurrent_networks",
    "lstm_and_gru",
    "sequence_to_sequence",
    "attention",
    "transformer",
    "language_models",
    "alignment",
    "vision_transformer",
)
