"""What can be wrong with data on its way in."""


class DataError(Exception):
    """The data cannot be fetched or read: the message names the file, the fault and the remedy."""
