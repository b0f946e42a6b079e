"""Deep learning for computer vision, from scratch: the code the chapters of the course import.

Sub-packages are imported by name (``from course_lib import layers``), so that ``import course_lib`` costs
nothing.
"""

__version__ = "0.1.0"
