"""Whole numbers in links and forms."""

# What a column of any database can hold, and how many digits it has.
MOST, DIGITS = 2**63 - 1, 19


def whole(text: str, default: int = 0) -> int:
    """Return the whole number that a text is, or the default where it is none or far too large."""
    if text.isascii() and text.isdecimal() and len(text) <= DIGITS and int(text) <= MOST:
        return int(text)
    return default
