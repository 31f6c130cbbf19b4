"""Each query's own weights of picture and sound in a joint search, where the product has them."""

from ml.baselines.system import Embedded
from ml.evaluation.measure import Weigh

# The code the weights depend on.
WEIGHING: tuple[str, ...] = ()


def weigh(train: Embedded) -> Weigh | None:
    """Return what weighs the queries of a system trained on these clips; None: equal weights."""
    return None
