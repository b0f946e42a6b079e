"""Exercises of the chapter on neural networks, one module or package a section."""

SECTIONS = ("neurons", "multilayer_perceptrons", "gradient_descent", "backpropagation")
