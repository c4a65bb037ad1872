"""Letterhead, address window and foot of a made-up page: who sends it, who gets it, and their numbers."""

from __future__ import annotations

from datetime import date, timedelta

from models import synthetic_page_words as words
from models.synthetic_numbers import digits, iban, vat_id
from models.synthetic_page_style import Style


class Parties(Style):
    """The blocks that name the parties."""

    def letterhead(self, kind: str, supplier: str, own: list[str], vat: str) -> float:
        rng, page = self.rng, self.page
        page.block()
        size = rng.choice((9.0, 10.0, 12.0, 16.0))
        if kind in ("left", "right", "center"):
            left = {"left": 50.0, "right": 380.0, "center": 220.0}[kind]
            first = 30 - size * 1.4 if self.broken else 30.0
            for at, line in enumerate(self.in_lines(supplier)):
                page.put(left, first + size * 1.3 * at, line, size)
            rows = [*own, *([f"Tel. {digits(rng, 4)} {digits(rng, 6)}"] if rng.random() < 0.5 else [])]
            for at, line in enumerate(rows):
                page.put(left, 30 + size * 1.4 + 12 * at, line)
        elif kind == "labelled":
            heading = {
                "en": "Seller",
                "de": "Verkäufer",
                "fr": "Vendeur",
                "es": "Proveedor",
                "it": "Fornitore",
                "nl": "Leverancier",
            }[self.language]
            page.put(50, 20, heading + rng.choice(("", ":")), 11)
            prefix = rng.choice((self.more["name"][0], "", ""))
            wide = rng.random() < 0.5 and prefix
            if wide:
                page.put(50, 46, prefix)
                for at, line in enumerate(self.in_lines(supplier)):
                    page.put(140, 34 + 12 * at if self.broken else 46, line)
            else:
                page.put(50, 46, f"{prefix} {supplier}".strip())
            for at, line in enumerate(own):
                page.put(140 if wide else 50, 60 + 12 * at, line)
            if rng.random() < 0.5:
                page.put(50, 86, f"{self.label('supplier_vat_id')}{self.colon} {vat}")
                self.fields["supplier_vat_id"] = vat
        elif rng.random() < 0.25:
            page.put(380, 30, rng.choice(("QUALITÀ DAL 1950", "www.example.org", "Original", "Kopie")), 12)
        if kind == "sender" or (kind != "labelled" and rng.random() < 0.35):
            page.block()
            mark = rng.choice((" - ", " · ", ", ", " | ", " • "))
            page.put(50, 118, supplier + mark + mark.join(own), 6.5)
        return 130.0

    def address_buyer(self, top: float, buyer: str, letterhead: str) -> float:
        rng, page = self.rng, self.page
        page.block()
        left = 50.0 if letterhead != "right" or rng.random() < 0.5 else rng.choice((50.0, 330.0))
        heading = rng.choice((self.label("customer"), "", ""))
        at = top
        if heading:
            page.put(left, at, heading + rng.choice(("", ":")))
            at += 12
        elif rng.random() < 0.3:
            page.put(
                left,
                at,
                rng.choice(
                    {
                        "en": ("Mr", "Attn. Ms Hill"),
                        "de": ("Herrn", "Firma", "Frau"),
                        "fr": ("Monsieur", "M."),
                        "es": ("Sr.",),
                        "it": ("Spett.le",),
                        "nl": ("De heer", "T.a.v."),
                    }[self.language]
                ),
            )
            at += 12
        lines = [buyer, *([rng.choice(self.phrases["people"])] if rng.random() < 0.3 else []), *self.address()]
        if rng.random() < 0.2:
            lines.append(f"{self.label('supplier_vat_id')}{self.colon} {vat_id(rng, self.country)}" if heading else "")
        for line in lines:
            if line:
                page.put(left, at, line)
                at += 12
        return at + 14

    def foot(
        self, top: float, supplier: str, own: list[str], vat: str, account: str, due: date, letterhead: str
    ) -> None:
        rng, page = self.rng, self.page
        page.block()
        if rng.random() < 0.25:
            page.put(50, top, rng.choice(self.phrases["greetings"]))
            page.put(50, top + 12, rng.choice(self.phrases["closings"]))
            top += 26
        if rng.random() < 0.2 and self.language == "de":
            page.put(50, top, f"Bei Zahlung bis {self.day(due)} 2 % Skonto: {self.money(rng.randint(500, 90000))}")
        if rng.random() < 0.12:
            debit = words.DEBIT[self.language]
            page.put(50, top + 13, f"{debit} IBAN {iban(rng, self.country)}")
        spaced = " ".join(account[index : index + 4] for index in range(0, len(account), 4))
        written = rng.choice((spaced, account))
        if rng.random() < 0.12:  # running text that tells of other days
            later = [self.day(due + timedelta(days=rng.randint(-60, 200))) for _ in range(rng.randint(1, 3))]
            goods = self.phrases["goods"]
            page.put(50, top + 26, f"{rng.choice(goods)} {', '.join(later)} {rng.choice(goods)}")
        foot = 770.0
        if rng.random() < 0.1:  # a typing error on the paper stays the account that is printed
            account = account[:2] + f"{rng.randint(10, 97)}" + account[4:]
            spaced = " ".join(account[index : index + 4] for index in range(0, len(account), 4))
            written = rng.choice((spaced, account))
        shows = rng.random() < 0.75
        lines = [[supplier, *own]] if letterhead == "foot" or rng.random() < 0.5 else []
        if shows:
            self.fields["iban"] = account
            bank = rng.choice(("Sparkasse Nord", "Banque Postale", "Handelsbank", "Banca Popolare", "Commercial Bank"))
            lines.append([bank, f"IBAN{rng.choice((':', '', ' :'))} {written}", "BIC CSBKXX2XXXX"])
        if "supplier_vat_id" not in self.fields and rng.random() < 0.8:
            shown = rng.choice((vat, f"{vat[:2]} {vat[2:]}"))
            lines.append([f"{self.label('supplier_vat_id')}{self.colon} {shown}", rng.choice(self.phrases["footers"])])
            self.fields["supplier_vat_id"] = vat
        if rng.random() < 0.4:
            mail = "".join(letter for letter in supplier.lower() if letter.isascii() and letter.isalnum())[:16]
            lines.append([f"www.{mail}.com", f"info@{mail}.com"])
        rng.shuffle(lines)
        if rng.random() < 0.15:  # other long numbers that only look like an account
            other = f"{rng.choice(('FO', 'DE', 'FR', 'SE', 'GB'))}{digits(rng, rng.choice((16, 18, 20)))}"
            page.put(50, top + 40, f"{rng.choice(('Ref.', 'ID', 'Mandat', 'Client', ''))} {other}")
        if letterhead == "foot" and not any(supplier in block for block in lines):
            lines.append([supplier, *own])
        across = rng.random() < 0.6
        for index, block in enumerate(lines):
            page.block()
            for at, line in enumerate(block):
                if across:
                    page.put(40 + index * (520 / len(lines)), foot + 9 * at, line, 5.5)
                else:
                    page.put(50, max(top, 640.0) + 12 * (at + 4 * index), line, 8)
