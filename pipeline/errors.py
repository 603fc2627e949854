"""The error that a user's mistake raises; the command line prints it without a stack trace."""


class StanceError(Exception):
    """What is wrong, where (file, line, record id) and what to do about it, in one message for a person."""
