"""A language model for each region and tenant: a case is asked about in its own region, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel

from agents.llm import Question
from api.language_model import door, second_reader
from api.places import places
from api.settings import Settings, load_settings, secret_named
from evals.llm_stub import Stub, serving
from governance.errors import Malformed


class Form(BaseModel):
    said: str


def keys(name: str) -> str | None:
    return {"COUNTERSIGN_LLM_KEY_EU": "key-of-eu"}.get(name)


def written(folder: Path, text: str) -> Path:
    path = folder / "places.toml"
    path.write_text(text, encoding="utf-8")
    return path


def two_regions(folder: Path, eu: str, uk: str, more: str = "") -> Path:
    return written(
        folder,
        f'[[place]]\nregion = "EU"\nbase_url = "{eu}"\nmodel = "model-eu"\nprice_in = "0.5"\n'
        f'[[place]]\nregion = "UK"\nbase_url = "{uk}"\nmodel = "model-uk"\n{more}',
    )


def question(region: str) -> Question:
    return Question("letter", "Say something.", region, "case-1", region)


@pytest.fixture
def ask_in(tmp_path: Path) -> Callable[..., tuple[Stub, Stub]]:
    def asked(*regions: str, more: str = "", tenant: str = "acme") -> tuple[Stub, Stub]:
        with serving() as eu, serving() as uk:
            path = two_regions(tmp_path, eu.url, uk.url, more.format(uk=uk.url))
            made = door(Settings(llm_places=path, llm_base_url=None), tenant)
            assert made is not None
            try:
                for region in regions:
                    made.ask(question(region), Form)
            finally:
                made.close()
        return eu, uk

    return asked


def test_a_case_never_leaves_its_region(ask_in: Callable[..., tuple[Stub, Stub]]) -> None:
    eu, uk = ask_in("UK", "EU", "UK ", "US", "", "eu", "EU,UK")
    told = [[one["messages"][-1]["content"] for one in stub.asked] for stub in (eu, uk)]
    assert told == [["EU"], ["UK"]]
    assert (eu.asked[0]["model"], uk.asked[0]["model"]) == ("model-eu", "model-uk")


def test_a_tenant_with_a_model_of_its_own_is_asked_there(ask_in: Callable[..., tuple[Stub, Stub]]) -> None:
    more = '[[place]]\nregion = "EU"\nbase_url = "{uk}"\nmodel = "of-acme"\ntenants = ["acme"]\n'
    _, uk = ask_in("EU", more=more)
    assert [one["model"] for one in uk.asked] == ["of-acme"]
    eu, uk = ask_in("EU", more=more, tenant="beta")
    assert ([one["model"] for one in eu.asked], uk.asked) == (["model-eu"], [])


def test_a_tenant_for_whom_no_place_is_named_has_no_model(tmp_path: Path) -> None:
    text = '[[place]]\nregion = "EU"\nbase_url = "https://models.example/v1"\nmodel = "m"\ntenants = ["acme"]\n'
    path = written(tmp_path, text)
    assert places(path, "beta", keys) == []
    assert door(Settings(llm_places=path, llm_base_url=None), "beta") is None
    assert [one.region for one in places(path, "acme", keys)] == ["EU"]


def test_a_key_is_named_and_never_written_down(tmp_path: Path) -> None:
    text = '[[place]]\nregion = "EU"\nbase_url = "https://models.example/v1"\nmodel = "m"\n'
    text += 'key = "COUNTERSIGN_LLM_KEY_EU"\n'
    (place,) = places(written(tmp_path, text), "acme", keys)
    assert place.key == "key-of-eu"
    assert "key-of-eu" not in repr(place)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('region = ""', "region is missing"),
        ('model = 7', "model is missing"),
        ('base_url = "http://models.example/v1"', "https://"),
        ('base_url = "https://user:word@models.example/v1"', "https://"),
        ('base_url = "http://localhost.evil.example/v1"', "https://"),
        ('key = "sk-0123456789"', "never the key itself"),
        ('key = "PATH"', "never the key itself"),
        ('key = "COUNTERSIGN_LLM_KEY_US"', "set COUNTERSIGN_LLM_KEY_US"),
        ('tenants = []', "for all"),
        ('tenants = "acme"', "list of names"),
        ('price_in = -1', "not below 0"),
        ('price_out = "dear"', "is a number"),
        ('regions = ["EU"]', "no line of a place"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_at_the_start_and_says_where(tmp_path: Path, line: str, said: str) -> None:
    lines = {"region": 'region = "EU"', "base_url": 'base_url = "https://models.example/v1"', "model": 'model = "m"'}
    lines[line.partition(" ")[0]] = line
    path = written(tmp_path, "[[place]]\n" + "\n".join(lines.values()))
    with pytest.raises(Malformed, match="place 1") as refused:
        places(path, "acme", keys)
    assert said in refused.value.detail
    assert "0123456789" not in refused.value.detail


@pytest.mark.parametrize(
    "text", ["", "place = 1", "[place]\nregion = 'EU'", "[[place]\n", "x = 1\n[[place]]\nregion = 'EU'"]
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Malformed, match=r"places\.toml"):
        places(written(tmp_path, text), "acme", keys)


def test_two_places_of_one_region_and_tenant_are_refused(tmp_path: Path) -> None:
    path = two_regions(tmp_path, "https://a.example/v1", "https://b.example/v1",
                       '[[place]]\nregion = "UK"\nbase_url = "https://c.example/v1"\nmodel = "m"\n')  # fmt: skip
    with pytest.raises(Malformed, match="place 3: region UK has a place for all already"):
        places(path, "acme", keys)


def test_settings_name_a_file_or_one_server_never_both(tmp_path: Path) -> None:
    path = two_regions(tmp_path, "https://a.example/v1", "https://b.example/v1")
    with pytest.raises(Malformed, match="not both"):
        door(Settings(llm_places=path, llm_base_url="https://x.example/v1", llm_model="m", llm_region="EU"))
    with pytest.raises(Malformed, match="no such file"):
        door(Settings(llm_places=tmp_path / "none.toml", llm_base_url=None))
    with pytest.raises(Malformed, match="LLM_REGION"):
        second_reader(Settings(llm_places=path, llm_base_url=None, llm_reads=True))
    assert second_reader(Settings(llm_places=path, llm_base_url=None, llm_reads=True, llm_region="EU")) is not None


def test_a_named_key_comes_from_the_environment_or_a_file_of_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COUNTERSIGN_LLM_KEY_EU", raising=False)
    assert secret_named("COUNTERSIGN_LLM_KEY_EU") is None
    monkeypatch.setenv("COUNTERSIGN_SECRETS_DIR", str(tmp_path))
    (tmp_path / "countersign_llm_key_eu").write_text("from-a-file\n", encoding="utf-8")
    assert secret_named("COUNTERSIGN_LLM_KEY_EU") == "from-a-file"
    assert load_settings(tmp_path).llm_api_key is None  # a key of its own is no setting
    monkeypatch.setenv("COUNTERSIGN_LLM_KEY_EU", "from-the-environment")
    assert secret_named("COUNTERSIGN_LLM_KEY_EU") == "from-the-environment"
    monkeypatch.setenv("COUNTERSIGN_LLM_KEY_EU", "changeme")
    with pytest.raises(Malformed, match="placeholder"):
        secret_named("COUNTERSIGN_LLM_KEY_EU")
