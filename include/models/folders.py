"""The digest of a folder: what the journal names a model by. It needs none of the libraries that a model needs."""

from __future__ import annotations

import hashlib
from pathlib import Path


def digest_of_folder(folder: Path) -> str:
    """Return the SHA-256 over the files of a folder, names included."""
    total = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        if path.name == "registered_model_meta":  # written by MLflow's own download, not part of what was logged
            continue
        body = path.read_bytes()
        total.update(f"{path.relative_to(folder)}\n{len(body)}\n".encode() + body)
    return total.hexdigest()
