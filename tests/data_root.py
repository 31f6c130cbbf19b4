"""A pytest plugin, loaded before Django settings: a data root of its own for each test process."""

import atexit
import os
import shutil
import tempfile

import execnet

if "PYTEST_XDIST_WORKER" not in os.environ:  # such a process was given all of this
    root = tempfile.mkdtemp(prefix="reprise-tests-")
    os.environ["REPRISE_DATA"] = f"{root}/var"
    # Data roots are many, but one converted trunk serves them all.
    os.environ["REPRISE_COMPILED"] = f"{root}/compiled"
    # Processes that have a thread for every core each wait for one another.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for name in ("REPRISE_DATABASE_URL", "REPRISE_BROKER_URL", "REPRISE_HTTPS", "REPRISE_DEBUG"):
        os.environ.pop(name, None)
    atexit.register(shutil.rmtree, root, ignore_errors=True)


def pytest_xdist_setupnodes(specs: list[execnet.XSpec]) -> None:
    """Name each process its data root before it starts, for it reads the settings at once."""
    for number, spec in enumerate(specs):
        spec.env["REPRISE_DATA"] = f"{root}/var-{number}"
