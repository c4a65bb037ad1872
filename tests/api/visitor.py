"""Somebody at the console without scripts: keeps cookies, reads the pages' forms and sends them as a browser would."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx

from governance.action import Action
from governance.recommendation import Draft, Proposal
from governance.record import queue
from tests.api.conftest import Api

FINDINGS: dict[str, Any] = {
    "why": "the invoice names no purchase order, and nothing can be matched without it",
    "document": {
        "document_class": "invoice", "exception_type": "missing_order_reference", "basis": "structured",
        "confidence": 0.97, "abstained": False, "warnings": ["the VAT id has a wrong check digit"],
        "fields": {"invoice_number": "2026-1"},
    },
    "cause": {
        "primary": "missing_order_reference", "contributing": ["data_quality"],
        "facts": [{"fact": "the invoice names no purchase order", "source": "case"}],
    },
    "match": {
        "outcome": "differs",
        "checks": [
            {"name": "order_reference", "status": "missing", "expected": None, "found": None},
            {"name": "price", "status": "differs", "expected": "100.00", "found": "112.00"},
            {"name": "bank", "status": "ok", "expected": None, "found": "DE02120300000000202051"},
            {"name": "receipt", "status": "unknown", "expected": None, "found": None},
        ],
    },
    "duplicates": [
        {"invoice_id": "INV-0", "probability": 0.91, "kind": "resubmitted", "reasons": ["same amount", "same number"],
         "earlier": True, "invoice_number": "2026-1", "amount": "1200.00", "currency": "EUR",
         "supplier": "Supplier One"},
    ],
    "risk": {"p_late": 0.62, "expected_days_late": 0.5, "basis": "customer", "reasons": ["pays late in winter"]},
    "precedents": [
        {"case_id": "c-1", "similarity": 0.88, "action": "request_purchase_order", "decision": "approve",
         "role": "reviewer", "outcome": "executed"},
    ],
    "alternatives": [
        {"action": "route_for_approval", "reason": "the budget owner may know the order", "obstacle": None},
        {"action": "hold_payment", "reason": "until it is clear", "obstacle": "policy does not allow it here"},
    ],
    "surprise": {"of": ["a", {"deep": {"deeper": {"deepest": {"too": "far"}}}}]},
}  # fmt: skip
"""Findings as the agent files them, and something that nobody expected."""


class _Page(HTMLParser):
    """The forms of a page, with what a browser would send of them as they stand."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.words: list[str] = []
        self._form: Form | None = None
        self._select: tuple[str, list[tuple[str, bool]]] | None = None
        self._area: tuple[str, list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is None or "form" in given:
            return
        elif tag == "input" and "name" in given:
            if given.get("type") in ("radio", "checkbox"):
                self._form.choices.setdefault(given["name"], []).append(given["value"])
                if "checked" not in given:
                    return
            self._form.fields[given["name"]] = given.get("value", "")
        elif tag == "select":
            self._select = (given["name"], [])
        elif tag == "option" and self._select is not None:
            self._select[1].append((given.get("value", ""), "selected" in given))
        elif tag == "textarea":
            self._area = (given["name"], [])

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif self._form is None:
            return
        elif tag == "select" and self._select is not None:
            name, options = self._select
            self._form.choices[name] = [value for value, _ in options]
            self._form.fields[name] = next((value for value, chosen in options if chosen), options[0][0])
            self._select = None
        elif tag == "textarea" and self._area is not None:
            text = "".join(self._area[1])
            self._form.fields[self._area[0]] = text[1:] if text.startswith("\n") else text
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area[1].append(data)
        else:
            self.words.append(data)


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)


def forms(response: httpx.Response) -> list[Form]:
    page = _Page()
    page.feed(response.text)
    return page.forms


def words(response: httpx.Response) -> str:
    """The page's text on one line."""
    page = _Page()
    page.feed(response.text)
    return " ".join(" ".join(page.words).split())


def form_of(response: httpx.Response, ending: str) -> Form:
    """The form whose address ends so."""
    found = [form for form in forms(response) if form.method == "post" and form.action.endswith(ending)]
    assert len(found) == 1, f"{len(found)} forms to …{ending} in: {words(response)[:2000]}"
    return found[0]


class Visitor:
    """One browser without scripts. Redirects are not followed unless asked for."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.http = api.client(None)

    def get(self, path: str) -> httpx.Response:
        return self.http.get(path)

    def send(self, form: Form, **values: str) -> httpx.Response:
        """Send a form with some of its fields set; a browser ends lines with CR LF."""
        unknown = set(values) - set(form.fields) - set(form.choices)
        assert not unknown, f"the form has no {unknown}"
        data = {**form.fields, **values}
        return self.http.post(form.action, data={name: value.replace("\n", "\r\n") for name, value in data.items()})

    def sign_in(self, who: str, key: str | None = None, page: str = "/console/sign-in") -> httpx.Response:
        form = form_of(self.get(page), "/sign-in")
        return self.send(form, user=who, key=self.api.world.tokens[who] if key is None else key)

    def sign_out(self) -> httpx.Response:
        return self.send(form_of(self.get("/console/tasks"), "/sign-out"))

    def item(self, recommendation_id: str, query: str = "") -> httpx.Response:
        return self.get(f"/console/recommendations/{recommendation_id}{query}")

    def decide(self, recommendation_id: str, decision: str, query: str = "", **values: str) -> httpx.Response:
        """Open the item, fill in the form, send it."""
        form = form_of(self.item(recommendation_id, query), recommendation_id)
        return self.send(form, decision=decision, **{name.replace("__", "."): text for name, text in values.items()})

    def follow(self, response: httpx.Response) -> httpx.Response:
        assert response.status_code == 303, words(response)
        return self.get(response.headers["location"])


def signed_in(api: Api, who: str) -> Visitor:
    visitor = Visitor(api)
    response = visitor.sign_in(who)
    assert response.status_code == 303, words(response)
    return visitor


def filed(api: Api, *, action: Action | None = None, draft: Draft | None = None, **item: Any) -> dict[str, Any]:
    """A case with a pending recommendation and full findings: by default a letter to the supplier."""
    findings = item.pop("findings", FINDINGS)
    risk = item.pop("risk", "normal")
    api.world.accept(**item)
    job = api.world.claim(1)[0]
    with api.world.database.transaction("agent", api.world.tokens["agent"]) as conn:
        facts_digest = queue.briefs(conn, [job])[0].facts_digest
    if action is None:
        action = Action("request_purchase_order", {"supplier_id": "S-1", "invoice_number": "2026-1"})
        body = "Dear Sir or Madam,\n\nplease send us the purchase order.\n\nKind regards"
        draft = draft or Draft("ap@supplier.example", "Purchase order for invoice 2026-1", body, "en")
    proposal = Proposal(
        action, facts_digest, draft, findings, {"document": {"sha256": None}},
        {"agent": "test"} | ({"template": action.name} if draft else {}),
        {"duplicate_likely": "0.9"}, risk, None,
    )  # fmt: skip
    return api.world.recommendation(api.world.file(job, proposal).recommendation_id)


def hold(api: Api, **item: Any) -> dict[str, Any]:
    """A pending hold of a payment: a manual task."""
    action = Action("hold_payment", {"invoice_id": "INV-1", "reason": "the price differs"})
    return filed(api, action=action, **{"exception_type": "price_variance", **item})
