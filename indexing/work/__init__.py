"""Units of work: claimed, renewed and swept, the queue that wakes workers, and how far they are."""
