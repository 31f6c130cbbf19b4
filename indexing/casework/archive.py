"""A ZIP of evidence: clips, a manifest that tells every one, its signature; does it hold?"""

import hashlib
import hmac
import json
import shutil
import zipfile
from collections.abc import Mapping
from io import BufferedIOBase
from pathlib import Path
from typing import Any, cast

from django.conf import settings

from ml.refusal import Refusal

FORMAT = "reprise-evidence/1"
MANIFEST, SIGNATURE, README = "manifest.json", "manifest.signature.json", "README.txt"
# A ZIP cannot tell a time before this; a constant one keeps the same content the same bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)
TOLD = f"""Evidence exported by Reprise.

{MANIFEST} tells every clip: where it comes from, when it was, how it was cut, and its SHA-256.
{SIGNATURE} is its signature. On the server that made it, this checks both:

    manage.py verify-evidence FILE.zip
"""


class ArchiveError(Refusal):
    """A ZIP of evidence that does not hold, with a sentence that says why."""


def seal(path: Path, manifest: Mapping[str, Any], clips: Mapping[str, Path]) -> None:
    """Write a ZIP of clips by their names, and of a manifest that names them, with its signature.

    The same content gives the same bytes.
    """
    signed = _json({"format": FORMAT, **manifest})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(MANIFEST, EPOCH), signed)
        archive.writestr(zipfile.ZipInfo(SIGNATURE, EPOCH), _json(_signature(signed)))
        archive.writestr(zipfile.ZipInfo(README, EPOCH), TOLD)
        for name, clip in clips.items():
            with clip.open("rb") as read, archive.open(zipfile.ZipInfo(name, EPOCH), "w") as to:
                shutil.copyfileobj(read, to)


def _json(document: Mapping[str, Any]) -> bytes:
    text = json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True)
    return f"{text}\n".encode()


def _key() -> bytes:
    """Return the key of this server's signatures, derived from its secret key."""
    return hmac.new(settings.SECRET_KEY.encode(), FORMAT.encode(), hashlib.sha256).digest()


def _signature(manifest: bytes) -> dict[str, str]:
    return {
        "algorithm": "HMAC-SHA256",
        "key": hashlib.sha256(_key()).hexdigest()[:16],
        "signature": hmac.new(_key(), manifest, hashlib.sha256).hexdigest(),
    }


def verify(path: Path) -> str:
    """Check a ZIP of evidence and return one sentence that says what holds.

    Raises:
        ArchiveError: something does not hold, and what.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _verified(archive)
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError, EOFError) as error:
        raise ArchiveError(f"{path.name} is not a ZIP of evidence, or is damaged.") from error


def _verified(archive: zipfile.ZipFile) -> str:
    manifest = archive.read(MANIFEST)
    signed = json.loads(archive.read(SIGNATURE))
    ours = _signature(manifest)
    if signed["key"] != ours["key"]:
        raise ArchiveError("It was signed by another server, or under another secret key.")
    if not hmac.compare_digest(str(signed["signature"]), ours["signature"]):
        raise ArchiveError("Its manifest was changed after it was signed.")
    document = json.loads(manifest)
    clips = {clip["file"]: clip["sha256"] for clip in document["clips"]}
    expected = sorted([*clips, MANIFEST, SIGNATURE, README])
    if sorted(archive.namelist()) != expected:
        raise ArchiveError("It does not hold exactly the files that its manifest names.")
    for name, sha256 in clips.items():
        with archive.open(name) as stream:
            digest = hashlib.file_digest(cast(BufferedIOBase, stream), "sha256")
        if digest.hexdigest() != sha256:
            raise ArchiveError(f"{name} was changed after it was exported.")
    count = f"{len(clips)} clip{'' if len(clips) == 1 else 's'}"
    return (
        f"Genuine: {count}, exported by {document['made_by']} on {document['made_at']}, are "
        "exactly as this server signed them."
    )
