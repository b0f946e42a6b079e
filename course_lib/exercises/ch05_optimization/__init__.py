"""Exercises of the chapter on optimization, a package a section."""

SECTIONS = ("challenges", "momentum", "adaptive_methods", "learning_rates", "hyperparameter_search")
