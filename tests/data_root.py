"""A pytest plugin, loaded before Django's settings: the tests have a data root of their own."""

import atexit
import os
import shutil
import tempfile

root = tempfile.mkdtemp(prefix="reprise-tests-")
os.environ["REPRISE_DATA"] = f"{root}/var"
# Commands run by tests have data roots of their own, but one converted trunk serves them all.
os.environ["REPRISE_COMPILED"] = f"{root}/compiled"
for name in ("REPRISE_DATABASE_URL", "REPRISE_BROKER_URL", "REPRISE_HTTPS", "REPRISE_DEBUG"):
    os.environ.pop(name, None)
atexit.register(shutil.rmtree, root, ignore_errors=True)
