"""A camera learns from its own footage: trainings, what a worker does of them, the gate."""
