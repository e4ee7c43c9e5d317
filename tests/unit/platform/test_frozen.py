"""What is loaded before the forks is left alone by each fork's collector, and so shared by all of them."""

from __future__ import annotations

import subprocess
import sys

from include.platform.components import PRELOAD

_FORKS = """
import gc, os, pandas
import include.platform.frozen
loaded = gc.get_freeze_count()
if child := os.fork():
    os.waitpid(child, 0)
else:
    print(loaded > 10_000, gc.get_freeze_count() > .9 * loaded, len(gc.get_objects()) < loaded / 10, flush=True)
    os._exit(0)
"""


def test_a_fork_collects_nothing_of_what_was_loaded_before():
    said = subprocess.run([sys.executable, "-c", _FORKS], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["True", "True", "True"]


def test_it_is_loaded_last():
    assert PRELOAD[-1] == "include.platform.frozen"
