"""What stops a student edition from being made."""


class StudentEditionError(Exception):
    """A section uses something that has no plain form, or is put together wrongly; the message says where."""
