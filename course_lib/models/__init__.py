"""The networks of the course."""

from course_lib.models.mlp import mlp
from course_lib.models.receptive_field import receptive_field
from course_lib.models.simple_cnn import simple_cnn

__all__ = ["mlp", "receptive_field", "simple_cnn"]
