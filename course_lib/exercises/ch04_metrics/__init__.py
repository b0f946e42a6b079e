"""Exercises of the chapter on classification and its metrics, a package a section."""

SECTIONS = ("classification_and_regression", "confusion_matrix", "curves_and_calibration")
