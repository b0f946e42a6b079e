"""An answer as a student writes it, for tests that grade notebooks."""

# The right answer to the first exercise of the first section, and its check: the source of one cell.
UNIT = """from course_lib.exercises import check
def threshold_unit(x, w, threshold):
    return (x @ w > threshold).astype(int)
check('neurons/unit', threshold_unit)"""
