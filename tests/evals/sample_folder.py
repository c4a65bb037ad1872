"""A small folder of files in the shape that `run --data` reads, made of made-up content."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from models.invoice import Invoice
from models.synthetic import SyntheticDocument, company_month
from models.synthetic_text import labelled_texts

SEED = 4_242


def sample_folder(folder: Path) -> Path:
    """documents (fields, labelled texts, receipts), duplicates (one ledger, one other table), risk (one portfolio)."""
    month = company_month(SEED, suppliers=12, customers=40, invoices=120, exceptions=12, mail=0)
    _documents(folder / "documents", month.documents)
    _ledger(folder / "duplicates" / "town", month.invoices)
    people = folder / "duplicates" / "people"
    people.mkdir(parents=True)
    (people / "people.csv").write_text("id,given_name,surname\n1,Ada,Berg\n2,Ada,Burg\n")
    rows = [
        {
            "invoice_id": one.invoice_id,
            "customer_id": one.customer_id,
            "posting_date": one.posting_date,
            "due_date": one.due_date,
            "amount": one.amount,
            "clear_date": one.clear_date or "",
        }
        for one in month.receivables
    ]
    (folder / "risk").mkdir()
    write_csv(folder / "risk" / "firm_invoices.csv", rows)
    (folder / "risk" / "notes.csv").write_text("what,why\na,b\n")
    return folder


def write_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _documents(folder: Path, documents: Sequence[SyntheticDocument]) -> None:
    (folder / "einvoice_xml").mkdir(parents=True)
    expected = []
    for one in documents:
        if one.media_type != "application/xml":
            continue
        (folder / "einvoice_xml" / one.name).write_bytes(one.content)
        fields = one.fields
        said = {
            "root": "Invoice", "type": "380", "supplier": fields["supplier"], "number": fields["invoice_number"],
            "date": fields["issue_date"], "due": fields["due_date"].replace("-", ""), "currency": fields["currency"],
            "total": fields["total_amount"], "payable": fields["amount_due"], "vat": fields["supplier_vat_id"],
            "iban": fields["iban"], "po": fields.get("purchase_order"),
        }  # fmt: skip
        expected.append({"file": f"einvoice_xml/{one.name}", "expected": said})
    expected.append({"file": "einvoice_xml/gone.xml", "expected": {"root": "Order"}})
    (folder / "expected_fields.json").write_text(json.dumps(expected))
    labelled = [
        {"id": str(at), "label": one.document_class, "source": f"source {at % 3}", "group": f"g{at % 9}",
         "weak_label": at == 0, "text": one.text}
        for at, one in enumerate(labelled_texts(SEED, 90))
    ]  # fmt: skip
    (folder / "classification_text.jsonl").write_text("".join(json.dumps(one) + "\n" for one in labelled))
    for part in ("box", "key"):
        (folder / "sroie" / part).mkdir(parents=True)
    for at in range(6):
        key = {"company": "CORNER SHOP SDN BHD", "date": f"{at + 10}/03/2018", "total": f"{at}9.50"}
        words = [key["company"], "TAX INVOICE", f"DATE: {key['date']}", f"TOTAL: {key['total']}"]
        box = "\n".join(f"1,2,3,4,5,6,7,8,{word}" for word in words)
        (folder / "sroie" / "box" / f"{at:03d}.csv").write_text(box)
        (folder / "sroie" / "key" / f"{at:03d}.json").write_text(json.dumps(key))


def _ledger(folder: Path, invoices: list[Invoice]) -> None:
    folder.mkdir(parents=True)
    rows = [
        {name: value for name, value in asdict(one).items() if name in
         ("invoice_id", "vendor_id", "vendor_name", "invoice_no", "invoice_date", "amount")}
        for one in invoices
    ]  # fmt: skip
    write_csv(folder / "2020-01.csv", rows)
