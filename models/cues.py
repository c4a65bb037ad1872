"""Stems of words that speak for a class of document, in English, German, French, Spanish, Italian and Dutch.

Written from what such documents say in general, apart from the phrase books that made-up texts are written with: what
holds for wording that no model was fitted on. A stem speaks for a class and proves none; stems of two classes may meet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_STEMS: Mapping[str, tuple[str, ...]] = {
    "invoice": (
        r"invoic", r"rechnung", r"factur", r"fattur", r"faktur", r"bill(?:ed)? to\b", r"billing", r"amount due",
        r"balance due", r"payable\b", r"zahlbar", r"net a payer", r"echeance", r"vencimiento", r"scadenza",
        r"vervaldat", r"reverse charge", r"remit to\b", r"sub ?total", r"vat\b", r"mwst", r"tva\b", r"iva\b",
        r"btw\b",
    ),
    "credit_note": (
        r"credit (?:note|memo|invoice|amount|advice)", r"credited", r"gutschr", r"gutgeschr", r"storn", r"avoir\b",
        r"rectificat", r"abono", r"accredit", r"creditnota", r"creditfact", r"gecrediteerd", r"refund", r"erstatt",
        r"rembours", r"reembols", r"rimbors", r"terugbetal", r"retour", r"returned", r"nota (?:de|di) credito",
        r"rechnungskorrektur", r"korrekturrechnung",
    ),
    "purchase_order": (
        r"purchase orders?\b", r"purchasing", r"po ?(?:#|no\b|number)", r"vendor", r"ship to\b", r"deliver to\b",
        r"buyer", r"requisition", r"requested delivery", r"please supply", r"hereby order", r"order date",
        r"wir bestell", r"bestell(?:ung|wert|meng|numm|dat|schein)", r"einkauf", r"lieferant", r"wunschtermin",
        r"bon de commande", r"nous commandons", r"fournisseur", r"acheteur", r"pedido", r"proveedor", r"comprador",
        r"orden de compra", r"ordine", r"fornitore", r"ordiniamo", r"inkoop", r"bestel(?!l)", r"leverancier",
    ),
    "order_response": (
        r"confirm", r"acknowledg", r"bestatig", r"auftrags(?:numm|bestat|wert|annahm)", r"accuse de", r"confirmad",
        r"aceptacion", r"conferm", r"bevestig", r"your order", r"ihre bestellung", r"votre commande", r"su pedido",
        r"vostro ordine", r"uw bestelling", r"we accept", r"thank you for your order",
    ),
    "delivery_note": (
        r"deliver", r"shipp(?:ed|ing|er|ment)?", r"shipment", r"ship(?: date| via)?\b", r"dispatch", r"despatch",
        r"carrier", r"consign", r"tracking", r"packag", r"pallet", r"gross weight", r"net weight", r"waybill",
        r"packing", r"liefer(?:schein|ung|adress|dat|ant)", r"versand", r"spedit", r"gewicht", r"packst", r"fracht",
        r"palett", r"livraison", r"expedi", r"colis", r"poids", r"destinat", r"albaran", r"entrega", r"transport",
        r"bultos", r"peso\b", r"consegna", r"trasport", r"vettore", r"colli\b", r"spedizion", r"levering", r"pakbon",
        r"vracht", r"vervoer", r"zending",
    ),
    "receipt": (
        r"cash\b", r"change\b", r"cashier", r"till\b", r"tender", r"receipt", r"rou?nd(?:ing|ed| adj)", r"served by",
        r"come again", r"thank you", r"visa\b", r"master ?card", r"maestro", r"debit card", r"contactless",
        r"terminal", r"auth", r"gegeben", r"ruckgeld", r"kasse", r"bediener", r"quittung", r"beleg\b", r"bon\b",
        r"especes", r"rendu\b", r"caisse", r"carte bancaire", r"ticket", r"efectivo", r"cambio", r"cajer", r"tarjeta",
        r"contanti", r"resto\b", r"scontrino", r"cassa\b", r"wisselgeld", r"kassa", r"contant\b", r"pinnen",
        r"not (?:returnable|refundable|exchang)", r"gst\b", r"pos\b", r"counter", r"table\b", r"trinkgeld",
        r"gratuity",
    ),
    "statement_of_account": (
        r"statement", r"outstanding", r"open items", r"balance (?:brought|forward|carried)", r"aged\b", r"aging",
        r"ageing", r"(?:0|1|31|61)-(?:30|60|90) (?:days|tage|jours|dias|giorni|dagen)", r"over 90", r"credit limit",
        r"unallocated", r"offene", r"saldo", r"saldenbest", r"posten", r"releve", r"encours", r"solde", r"echu",
        r"extracto", r"partidas", r"estratto", r"partite", r"openstaand", r"overzicht",
    ),
    "remittance_advice": (
        r"remittance", r"payment advice", r"advice of payment", r"transferred", r"we have (?:today )?paid", r"payee",
        r"paid to\b", r"cheque", r"discount taken", r"deduct", r"allocate", r"avis\b", r"uberwies", r"zahlungsavis",
        r"beglichen", r"abzug", r"skonto", r"virement", r"reglement", r"regle\b", r"aviso", r"transferid",
        r"hemos pagado", r"bonific", r"abbiamo (?:pagato|disposto)", r"detrazion", r"betaald", r"betaaladvies",
        r"payment (?:reference|method|run|date|amount)",
    ),
    "payment_reminder": (
        r"remind", r"overdue", r"past due", r"dunning", r"due since", r"final (?:notice|demand)", r"arrears",
        r"collection agency", r"late (?:fee|charge)", r"legal steps", r"disregard", r"mahn", r"verzug", r"erinner",
        r"ruckstand", r"inkasso", r"relance", r"rappel", r"impaye", r"retard", r"mise en demeure", r"recordat",
        r"vencid", r"impagad", r"reclamacion de pago", r"mora\b", r"sollecit", r"scadut", r"insolut", r"aanman",
        r"herinner", r"achterstall", r"vervallen", r"incasso",
    ),
    "dispute": (
        r"disput", r"complain", r"object(?:ion)? to\b", r"we object", r"defect", r"damaged", r"withhold",
        r"do not agree", r"reject", r"contested", r"reklam", r"beanstand", r"mangel", r"widerspr", r"ruge",
        r"beschadig", r"zuruckbehalt", r"contest", r"reclam", r"litige", r"defectu", r"disconform", r"differen[zc]",
        r"difett", r"klacht", r"betwist", r"bezwaar", r"gebrek", r"missing\b", r"incorrect",
    ),
    "contract": (
        r"agree(?:ment|s|d)\b", r"hereby", r"whereas", r"part(?:y|ies)\b", r"shall\b", r"hereinafter", r"in witness",
        r"governed by", r"terminat", r"confidential", r"indemnif", r"jurisdiction", r"liab(?:le|ility)", r"hereunder",
        r"vertrag", r"vereinbar", r"kundig", r"haftung", r"gerichtsstand", r"parteien", r"geheimhalt", r"contrat",
        r"resili", r"convien", r"partes\b", r"rescind", r"jurisdic", r"parti\b", r"recess", r"foro\b",
        r"overeenkomst", r"partij", r"opzeg", r"aansprakelijk",
    ),
    "bank_statement": (
        r"bank(?:ing)?\b", r"opening balance", r"closing balance", r"previous balance", r"new balance", r"withdraw",
        r"deposit", r"standing order", r"direct debit", r"sort code", r"checks?\b", r"overdraft",
        r"interest (?:paid|earned|charged)", r"atm\b", r"account (?:number|summary|holder|activity)",
        r"paid (?:in|out)\b", r"money (?:in|out)\b", r"kontoauszug", r"kontostand", r"buchung", r"lastschrift",
        r"dauerauftrag", r"auszug", r"haben\b", r"soll\b", r"ancien solde", r"nouveau solde", r"prelevement",
        r"retrait", r"debit\b", r"credit\b", r"saldo (?:inicial|final|anterior|iniziale|finale|attuale)", r"ingreso",
        r"movimient", r"addebit", r"prelievo", r"versament", r"afschrift", r"bijschrijv", r"afschrijv", r"rekening",
        r"transaction", r"minimum (?:due|payment)",
    ),
    "tax_form": (
        r"tax (?:return|office|year|period|authority|payer|form)", r"taxpayer", r"vat return", r"withh(?:e|o)ld",
        r"internal revenue", r"finanzamt", r"steuer(?:numm|besch|erkl|pflicht|jahr)", r"voranmeldung", r"impot",
        r"fiscal", r"declaration de", r"tresor public", r"agencia tributaria", r"hacienda", r"modelo \d", r"imposta",
        r"agenzia delle entrate", r"dichiaraz", r"belasting", r"aangifte", r"aanslag", r"box \d", r"form [\w-]*\d",
        r"penalties of perjury", r"residen[ct]",
    ),
    "other": (
        r"meeting", r"minutes\b", r"agenda", r"report", r"stock\b", r"inventory", r"newsletter", r"quotation",
        r"quote\b", r"offer\b", r"angebot", r"devis\b", r"presupuesto", r"preventivo", r"offerte", r"resume\b",
        r"curriculum", r"price list", r"preisliste", r"presentation", r"project", r"thanks\b", r"attached",
        r"please let me know", r"manual", r"protokoll", r"sitzung", r"reunion", r"riunione", r"vergadering",
        r"notulen", r"informe", r"bericht", r"rapport", r"verslag", r"relazione", r"bestand\b", r"lagerbest",
        r"magazzino", r"voorraad", r"existencias", r"payslip", r"lohnabrechnung", r"bulletin de paie", r"nomina\b",
        r"busta paga", r"loonstrook", r"polic[ey]", r"poliza", r"polizza", r"police d", r"versicherung", r"timesheet",
        r"pro ?-?forma",
    ),
}  # fmt: skip

CUES: Mapping[str, re.Pattern[str]] = {name: re.compile(rf"\b(?:{'|'.join(stems)})") for name, stems in _STEMS.items()}
"""Class → its stems at the beginning of a word, for text in small letters without accents."""
