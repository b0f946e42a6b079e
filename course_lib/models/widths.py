"""Narrow versions of published networks: every number of channels times one factor."""

from course_lib.layers import checks


def check_sizes(owner: str, width_mult: float, **sizes: object) -> None:
    """Raise unless the factor is a finite number above 0, and every size an integer from 1 on."""
    checks.finite_number(owner, "width_mult", width_mult, above=0)
    for name, size in sizes.items():
        checks.positive_integer(owner, name, size)


def scaled(channels: int, width_mult: float, multiple_of: int = 1) -> int:
    """The multiple of ``multiple_of`` nearest to channels * width_mult, and at least the first one."""
    return max(1, round(channels * width_mult / multiple_of)) * multiple_of
