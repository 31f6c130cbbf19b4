"""Every system that the paper compares with, and those without training, behind one interface.

`ml.baselines.system` has the interface, `ml.baselines.registry` the systems by name in the order of
the tables. Each module holds one system and says in its docstring what its description leaves open
and how that was read. Nothing is downloaded: where weights have not been imported they are random,
and `System.weights` says so.
"""
