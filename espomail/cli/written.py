"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from espomail.errors import BadInput


def replace_file(path: Path, text: str, *, mode: int) -> None:
    """Put the text where the path says in one step, with those permission bits; raise BadInput where it can't be written.

    A link is replaced, never written through.
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise BadInput(f"{path} can't be written: {error.strerror}", "check the folder") from error
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(mode)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise BadInput(f"{path} can't be written: {error.strerror}", "check the folder and the free space") from error
