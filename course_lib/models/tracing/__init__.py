"""What a model does with an input of some shape: which layers run, on what, and what they see of an image."""

from course_lib.models.tracing.records import Trace
from course_lib.models.tracing.run import trace
from course_lib.models.tracing.seen import NOTHING, UNKNOWN, WHOLE, Loose, Map, Plain, Seen
from course_lib.models.tracing.units import Unit, units

__all__ = ["NOTHING", "UNKNOWN", "WHOLE", "Loose", "Map", "Plain", "Seen", "Trace", "Unit", "trace", "units"]
