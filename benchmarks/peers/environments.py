"""The environments of the peers: what is installed in each, and how a script of this folder runs there.

They are made once and kept in the platform's folder, for together they take some minutes and 4 GB.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from include.platform import bootstrap
from include.platform.embedded import Platform

PINS = {
    "evidently": (
        "evidently==0.7.23",
        "pandas==3.0.6",  # beside pandas 3.1 it installs but does not import
        "scikit-learn==1.9.1",
        "pyarrow==26.0.1",  # to read the windows; it does not ask for it
    ),
    "nannyml": (
        "nannyml==0.13.1",
        "pandas==3.1.1",
        "statsmodels==0.15.0",  # it imports this but does not declare it
        "pyarrow==26.0.1",
    ),
    "alibi_detect": (
        "alibi-detect==0.13.0",  # without torch and tensorflow: its tests of columns need neither
        "numpy==1.26.4",  # it asks for less than 2
        "pandas==2.3.3",
        "pyarrow==23.0.1",  # later ones ask for numpy 2 when they are imported, and not before
    ),
}
_HERE = Path(__file__).parent
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


def python_of(peer: str) -> Path:
    """Return the interpreter of a peer's environment, which is made where it is not there yet."""
    pins = hashlib.sha256("\n".join(PINS[peer]).encode()).hexdigest()[:12]
    venv = Platform().home.folder / "peers" / f"{peer}-{pins}"
    python, whole = venv / "bin" / "python", venv / "whole"
    with bootstrap.alone(venv.with_suffix(".lock"), print):
        if not whole.exists():
            bootstrap.make_venv(venv)
            command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PINS[peer]]
            bootstrap.run(command, f"installing {peer}", "see that the package index is in reach, then repeat")
            whole.touch()
    return python


def ask(peer: str, *arguments: str) -> Any:
    """Run ``with_PEER.py`` in the peer's environment, one thread, and return the JSON that it prints last."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= dict.fromkeys(_THREADS, "1") | {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1"}
    done = subprocess.run(
        [str(python_of(peer)), str(_HERE / f"with_{peer}.py"), *arguments],
        capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert not done.returncode, f"{peer} has failed: {done.stderr[-2000:]}"
    return json.loads(done.stdout.splitlines()[-1])
