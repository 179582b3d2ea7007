"""The folder of a proxy: JSON, an archive of plain numeric arrays, text files. No pickle."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from archgym.dataset._table import write_bytes
from archgym.errors import RecordError
from archgym.proxy._models import Arrays, Texts

FORMAT = 1
HEAD, ARRAYS = "proxy.json", "arrays.npz"
_NEEDED = ("problem", "workload", "fingerprint", "config", "version", "model", "targets", "space")


def write_folder(folder: Path, info: Mapping[str, Any], arrays: Arrays, texts: Texts) -> Path:
    """Write a proxy; the same proxy gives the same bytes.

    Raises:
        RecordError: the folder holds something that is no proxy.
    """
    if folder.exists() and (not folder.is_dir() or _foreign(folder)):
        raise RecordError(f"'{folder}' holds something that is no proxy. Choose another folder.")
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    files = {ARRAYS: buffer.getvalue(), **{name: text.encode() for name, text in texts.items()}}
    (folder / HEAD).unlink(missing_ok=True)  # what is half written has none
    for name, content in files.items():
        write_bytes(folder / name, content)
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    head = {"kind": "proxy", "format": FORMAT, **info, "sha256": sums}
    write_bytes(folder / HEAD, (json.dumps(head, indent=1) + "\n").encode())
    return folder


def _foreign(folder: Path) -> bool:
    return not (folder / HEAD).exists() and any(folder.iterdir())


def read_folder(folder: Path) -> tuple[dict[str, Any], Arrays, Texts]:
    """Return head, arrays and texts of a proxy.

    Raises:
        RecordError: there is none, or it is damaged or of another version.
    """
    head = _head(folder)
    contents = {name: _checked(folder, name, head["sha256"][name]) for name in head["sha256"]}
    try:
        with np.load(io.BytesIO(contents.pop(ARRAYS)), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise RecordError(f"'{folder / ARRAYS}' is damaged: {error}. Train it again.") from None
    return head, arrays, {name: content.decode() for name, content in contents.items()}


def _head(folder: Path) -> dict[str, Any]:
    path = folder / HEAD
    try:
        head = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise RecordError(
            f"'{folder}' is no proxy: it has no {HEAD}. Give a folder that `archgym proxy train` "
            "wrote."
        ) from None
    except ValueError as error:
        raise RecordError(f"'{path}' is damaged: {error}. Train the proxy again.") from None
    if not isinstance(head, dict) or head.get("kind") != "proxy":
        raise RecordError(f"'{path}' is of no proxy. Give a folder of `archgym proxy train`.")
    if head.get("format") != FORMAT:
        raise RecordError(
            f"'{folder}' has format {head.get('format')}; this version reads {FORMAT}. "
            "Train the proxy again."
        )
    missing = [name for name in (*_NEEDED, "sha256") if name not in head]
    if missing or not isinstance(head["sha256"], dict):
        raise RecordError(f"'{path}' lacks {', '.join(missing) or 'sums'}. Train the proxy again.")
    return head


def _checked(folder: Path, name: str, digest: str) -> bytes:
    path = folder / Path(name).name  # nothing outside the folder
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise RecordError(f"'{path}' is missing. Restore it, or train the proxy again.") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise RecordError(
            f"'{path}' is not the file that was saved: its checksum differs from the one in "
            f"{HEAD}. Restore it, or train the proxy again."
        )
    return content
