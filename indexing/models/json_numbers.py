"""Numbers that a column of JSON can hold, in every database."""

import math
from typing import Any

import numpy as np


def finite(value: Any) -> Any:
    """Return numbers and what holds them for JSON, which knows neither NaN nor infinity."""
    if isinstance(value, dict):
        return {str(name): finite(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
