"""Tests run on a data folder of their own, never on the user's.

Django's settings are read before any conftest.py, so the folder is chosen here.
"""

import atexit
import os
import shutil
import tempfile


HOME = tempfile.mkdtemp(prefix="snnlab-test-")
os.environ["SNNLAB_HOME"] = HOME
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
