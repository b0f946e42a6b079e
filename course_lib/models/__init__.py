"""The networks of the course."""

from course_lib.models.mlp import mlp

__all__ = ["mlp"]
