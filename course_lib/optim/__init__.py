"""The optimizers of the course, called as in ``torch.optim``, with its results and its state dicts."""

from course_lib.optim.adadelta import Adadelta
from course_lib.optim.adagrad import Adagrad
from course_lib.optim.adam import Adam, AdamW
from course_lib.optim.rmsprop import RMSprop
from course_lib.optim.sgd import SGD

__all__ = ["SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "RMSprop"]
