"""The real weights: unit vectors, the same in any batch, near where the meaning is near."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from governance.errors import Unavailable
from models.embedding import DIMENSIONS, Embedder, packaged_weights
from models.precedents import case_text


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder(threads=1, batch_size=8)


def test_nothing_is_loaded_before_the_first_text() -> None:
    made = Embedder(model="/nowhere")
    assert made.encode([]).shape == (0, DIMENSIONS)
    assert made.name == "/nowhere"


def test_vectors_are_unit_float32(embedder: Embedder) -> None:
    vectors = embedder.encode(["invoice without an order", "", "Mahnung", "x " * 2000])
    assert vectors.shape == (4, DIMENSIONS)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_a_batch_is_its_items(embedder: Embedder) -> None:
    texts = [f"case number {number} about a price" for number in range(20)] + ["case number 3 about a price"]
    together = embedder.encode(texts)
    alone = np.vstack([embedder.encode([text]) for text in texts[:4]])
    assert np.allclose(together[:4], alone, atol=1e-5)
    assert np.array_equal(together[3], together[20])


def test_near_in_meaning_is_near(embedder: Embedder) -> None:
    query, near, far = embedder.encode(
        [
            case_text("accounts_payable", "price_variance", None, {"variance_percent": 12}),
            case_text("accounts_payable", "price_variance", None, {"variance_percent": 15}),
            case_text("customer_onboarding", "document_missing", None, {"missing": ["tax_form"]}),
        ]
    )
    assert query @ near > query @ far + 0.2


def test_weights_come_from_the_installed_package() -> None:
    assert (packaged_weights() / "model.safetensors").is_file()
    assert Embedder().name == "all-MiniLM-L6-v2"


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        Embedder(model=tmp_path / "nothing").encode(["text"])


def test_the_module_is_light_to_import() -> None:
    import subprocess

    code = "import sys, models.embedding; sys.exit('torch' in sys.modules or 'sentence_transformers' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
