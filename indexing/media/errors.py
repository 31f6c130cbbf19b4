from ml.refusal import Refusal


class MediaError(Refusal):
    """A recording, or the machine reading it, cannot do what was asked.

    `sentence` is shown to people as it is: what is wrong, where, and what to do about it.
    """


def file_gone() -> MediaError:
    """The error of a file that is missing, in the same words wherever it is noticed."""
    return MediaError("The file is not there (any more): check its name and place, or put it back.")
