"""The exercises of chapter 7, Transfer learning."""

SECTIONS = ("feature_extraction", "fine_tuning", "what_transfers")
