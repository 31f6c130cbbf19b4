"""Composed recordings: real video of a fixed camera under real sounds at known times."""
