"""Events that people name: labels, and how probable one is in every second."""
