"""The set of models that works together: trained as one, saved as one, named by one digest.

A folder holds one skops file for each model and manifest.json: canonical JSON (RFC 8785) with the library
versions, the seed, what was trained on, and the SHA-256 of every file. The digest of the bundle is the
SHA-256 of those bytes. Nothing is unpickled: skops builds only the types that TRUSTED names.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import rfc8785
import sklearn
import skops
import skops.io
from skops.io.exceptions import UntrustedTypesFoundException
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from governance.errors import Tampered, Unavailable
from models.classifier import DocumentClassifier
from models.duplicates import PairScorer, train_pair_scorer
from models.risk import CollectionRisk
from models.synthetic import company_month
from models.synthetic_text import labelled_texts

FORMAT = "countersign-bundle/4"
_EARLIER = frozenset({"countersign-bundle/1", "countersign-bundle/2", "countersign-bundle/3"})
SEED = 20261120
MANIFEST = "manifest.json"
TRUSTED = [
    "models.classifier.DocumentClassifier",
    "models.pair_scorer.PairScorer",
    "models.pair_learning.TunedScorer",
    "models.risk.CollectionRisk",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
]
"""Types that skops may build beside those that it trusts itself. Fixed: what a file asks for is never added."""

_AGAIN = "restore the folder from a copy, or move it away and train again"
_TEXTS = 4500
_MONTHS = 2
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Bundle:
    """Fitted models. `digest` is `sha256:` and 64 hex digits; a bundle that was never saved has an empty one."""

    classifier: DocumentClassifier
    pair_scorer: PairScorer
    risk: CollectionRisk
    digest: str
    manifest: dict[str, Any]


PARTS: dict[str, type] = {"classifier": DocumentClassifier, "pair_scorer": PairScorer, "risk": CollectionRisk}
"""Name of a model → its type."""


def versions() -> dict[str, str]:
    """The versions that a bundle depends on."""
    return {
        "numpy": np.__version__,
        "python": platform.python_version(),
        "scikit-learn": sklearn.__version__,
        "skops": skops.__version__,
    }


def train_bundle(seed: int = SEED, progress: Progress | None = None, scale: float = 1.0) -> Bundle:
    """All models, fitted on the demo company's generator. `progress` is told each stage in a few words.

    `scale` shrinks what is trained on, for trials.
    """
    # Two threads that wait for each other on busy cores take longer than one, up to eight times.
    with threadpool_limits(limits=1):
        return _trained(seed, progress, scale)


def _trained(seed: int, progress: Progress | None, scale: float) -> Bundle:
    say = progress or (lambda stage: None)
    say("document classifier")
    texts = labelled_texts(seed, round(_TEXTS * scale))
    classifier = DocumentClassifier(seed=seed % 2**31).fit(
        [one.text for one in texts], [one.document_class for one in texts], [one.family for one in texts]
    )
    say("duplicate scorer")
    months = [
        company_month(seed + number, suppliers=120, customers=40, invoices=round(1800 * scale), exceptions=0, mail=0)
        for number in range(1, _MONTHS + 1)
    ]
    pair_scorer = train_pair_scorer(months, seed=seed % 2**20)
    say("collection risk")
    payers = company_month(seed + 100, suppliers=14, customers=round(130 * scale), invoices=20, exceptions=0, mail=0)
    risk = CollectionRisk(seed=seed % 2**31).fit(payers.receivables, as_of=payers.today)
    manifest = {
        "format": FORMAT,
        "seed": seed,
        "thresholds": {"classifier": classifier.threshold_},
        "trained_on": {
            "invoices": sum(len(month.invoices) for month in months),
            "receivables": len(payers.receivables),
            "texts": len(texts),
        },
        "versions": versions(),
    }
    return Bundle(classifier, pair_scorer, risk, "", manifest)


def replace(
    bundle: Bundle, part: str, estimator: DocumentClassifier | PairScorer | CollectionRisk, note: Mapping[str, Any]
) -> Bundle:
    """The bundle with one part exchanged, not saved yet. `part`: classifier, pair_scorer or risk.

    The manifest then names the bundle it comes from and says under `replaced` what the part was trained on
    (`note`, plain JSON). Raises ValueError for another part or an estimator of another kind.
    """
    if part not in PARTS or not isinstance(estimator, PARTS[part]):
        raise ValueError(f"a bundle has no part {part!r} that is a {type(estimator).__name__}")
    parts = {name: estimator if name == part else getattr(bundle, name) for name in PARTS}
    manifest = {
        **{name: value for name, value in bundle.manifest.items() if name != "files"},
        "parent": bundle.digest,
        "replaced": {**bundle.manifest.get("replaced", {}), part: dict(note)},
        "thresholds": {"classifier": parts["classifier"].threshold_},
        "versions": versions(),
    }
    return Bundle(**parts, digest="", manifest=manifest)


def save(bundle: Bundle, folder: Path) -> str:
    """Writes the bundle into `folder`, which is made where it is missing, and returns its digest.

    The manifest is written last. Raises OSError where the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name in PARTS:
        content = skops.io.dumps(getattr(bundle, name), compression=zipfile.ZIP_DEFLATED)
        _write(folder / f"{name}.skops", content)
        files[f"{name}.skops"] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    manifest = rfc8785.dumps(cast(Any, {**bundle.manifest, "files": files}))
    _write(folder / MANIFEST, manifest)
    return manifest_digest(manifest)


def load(folder: Path, expected: str | None = None) -> Bundle:
    """The bundle in `folder`.

    Raises Unavailable where there is none, or an earlier program or another minor version of scikit-learn made it,
    and Tampered where a file is not the one in the manifest, the manifest is not canonical, or the digest is not
    `expected`.
    """
    try:
        raw = (folder / MANIFEST).read_bytes()
    except OSError:
        raise Unavailable(f"there is no model bundle in {folder}: train one with countersign-evals train") from None
    manifest = _manifest(raw, folder)
    if expected is not None and manifest_digest(raw) != expected:
        raise Tampered(f"the model bundle in {folder} has the digest {manifest_digest(raw)}, not {expected}: {_AGAIN}")
    made, here = manifest["versions"]["scikit-learn"], sklearn.__version__
    if made.split(".")[:2] != here.split(".")[:2]:
        raise Unavailable(
            f"the model bundle in {folder} was made with scikit-learn {made}, here is {here}: "
            "install that version or move the folder away and train again"
        )
    parts = {name: _part(folder, name, kind, manifest["files"]) for name, kind in PARTS.items()}
    return Bundle(**parts, digest=manifest_digest(raw), manifest=manifest)


def standard(models: Path) -> Path:
    """The folder of the shipped models in HOME/models: one for each format and minor version of scikit-learn."""
    minor = ".".join(sklearn.__version__.split(".")[:2])
    return models / f"standard-{SEED}.{FORMAT.rpartition('/')[2]}-sklearn-{minor}"


def default_bundle(home: Path, progress: Progress | None = None) -> Bundle:
    """The shipped models: loaded from HOME/models, or trained there the first time (about a minute).

    The digest of what was trained stands in a file beside the folder, so that a changed manifest is found, too.
    Safe when several processes ask at once: one trains, the others wait. Raises Tampered and Unavailable as load
    does.
    """
    folder = standard(home / "models")
    note = folder.parent / f"{folder.name}.digest"
    if (folder / MANIFEST).exists():
        return load(folder, _noted(note))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.parent / ".lock"):
        if not (folder / MANIFEST).exists():
            for left in folder.parent.glob(".training-*"):  # of a process that died: nobody trains without the lock
                shutil.rmtree(left, ignore_errors=True)
            draft = Path(tempfile.mkdtemp(prefix=".training-", dir=folder.parent))
            try:
                digest = save(train_bundle(SEED, progress), draft)
                _write(note, f"{digest}\n".encode())
                draft.chmod(0o755)
                draft.rename(folder)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        return load(folder, _noted(note))


def _noted(path: Path) -> str | None:
    """The digest in the file, or None where there is no file: the folder was brought here by hand."""
    try:
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        return None
    except ValueError:
        raise Tampered(f"{path} holds no digest: {_AGAIN}") from None


def _manifest(raw: bytes, folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(raw)
        if rfc8785.dumps(manifest) == raw and manifest["format"] in _EARLIER:
            raise Unavailable(
                f"the model bundle in {folder} was made by an earlier version of this program: let people make one of "
                "today's champion (countersign-evals promote), or train again"
            )
        sound = (
            rfc8785.dumps(manifest) == raw
            and manifest["format"] == FORMAT
            and isinstance(manifest["versions"]["scikit-learn"], str)
            and manifest["files"].keys() == {f"{name}.skops" for name in PARTS}
            and all(isinstance(file["sha256"], str) for file in manifest["files"].values())
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, rfc8785.CanonicalizationError):
        sound = False
    if not sound:
        raise Tampered(f"{folder / MANIFEST} is not the canonical manifest of a {FORMAT} bundle: {_AGAIN}")
    return dict(manifest)


def _part(folder: Path, name: str, kind: type, files: dict[str, Any]) -> Any:
    path = folder / f"{name}.skops"
    try:
        content = path.read_bytes()
    except OSError:
        raise Tampered(f"{path} is in the manifest but cannot be read: {_AGAIN}") from None
    if hashlib.sha256(content).hexdigest() != files[path.name]["sha256"]:
        raise Tampered(f"{path} is not the file that the manifest names: {_AGAIN}")
    try:
        # The bytes that were hashed are the bytes that are read: the file is not opened twice.
        model = skops.io.loads(content, trusted=TRUSTED)
    except UntrustedTypesFoundException as error:
        raise Tampered(f"{path} asks for types that no bundle needs: {error}") from None
    except _UNREADABLE as error:
        raise Tampered(f"{path} is no skops file ({type(error).__name__}: {error}): {_AGAIN}") from None
    if not isinstance(model, kind):
        raise Tampered(f"{path} holds a {type(model).__name__}, not a {kind.__name__}")
    return model


# What a zip reader and skops raise over bytes that are no model of ours.
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, EOFError, ImportError, RuntimeError, AttributeError, LookupError, TypeError,
    ValueError,
)  # fmt: skip


def manifest_digest(manifest: bytes) -> str:
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds an exclusive lock on a file; the kernel lets go of it when the process dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
