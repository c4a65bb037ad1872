"""Words and forms of made-up pages: names of companies, labels beside those of the phrase books, forms of numbers."""

# One language a line reads better than lines of one length.
# ruff: noqa: E501
from __future__ import annotations

from collections.abc import Mapping

LANGUAGES = ("en", "de", "fr", "es", "it", "nl")
COUNTRY = {"en": "GB", "de": "DE", "fr": "FR", "es": "ES", "it": "IT", "nl": "NL"}
DATES: Mapping[str, tuple[str, ...]] = {
    "en": ("%d/%m/%Y", "%d %B %Y", "%Y-%m-%d", "%d %b %Y", "%B %d, %Y", "%d-%m-%Y"),
    "de": ("%d.%m.%Y", "%d.%m.%y", "%Y-%m-%d"), "fr": ("%d/%m/%Y", "%d-%m-%Y", "%d/%m/%y"),
    "es": ("%d/%m/%Y", "%d-%m-%Y"), "it": ("%d/%m/%Y", "%d.%m.%Y"), "nl": ("%d-%m-%Y", "%d/%m/%Y"),
}  # fmt: skip
LEGAL: Mapping[str, tuple[str, ...]] = {
    "en": ("Ltd", "Limited", "PLC", "Inc.", "LLC"), "de": ("GmbH", "AG", "GmbH & Co. KG", "e.K.", "KG", "UG"),
    "fr": ("SARL", "SAS", "S.A.", "EURL"), "es": ("S.L.", "S.A.", "SL"), "it": ("S.r.l.", "S.p.A.", "SRL", "Snc"),
    "nl": ("B.V.", "BV", "N.V.", "VOF"),
}  # fmt: skip
STEMS = [
    "Nord",
    "Berg",
    "Hafen",
    "Linden",
    "Stein",
    "Falk",
    "Morgen",
    "Silber",
    "Wald",
    "Kern",
    "Ritter",
    "Sonn",
    "Bruck",
    "Adler",
    "Castel",
    "Vigna",
    "Monte",
    "Sol",
    "Mare",
    "Aqua",
    "Terra",
    "Luna",
    "Ponte",
    "Villa",
    "Rivo",
    "Campo",
    "Lago",
    "Chêne",
    "Moulin",
    "Clair",
    "Rose",
    "Pré",
    "Roche",
    "Val",
    "Grand",
    "Petit",
    "Quay",
    "Harbour",
    "Mill",
    "Green",
    "Black",
    "Stone",
    "River",
    "Hill",
    "Oak",
    "Bright",
    "Swift",
    "North",
    "West",
    "Kaas",
    "Dijk",
    "Veld",
    "Bos",
    "Haven",
    "Molen",
    "Noord",
    "Linde",
]
TRADES: Mapping[str, tuple[str, ...]] = {
    "en": ("Tools", "Foods", "Logistics", "Consulting", "Print", "Services", "& Sons", "Supplies"),
    "de": ("Technik", "Handel", "Logistik", "Bau", "Elektro", "Beratung", "& Söhne", "Werkzeuge", "Vertrieb"),
    "fr": ("Services", "et Fils", "Conseil", "Transports", "Énergie", "Distribution"),
    "es": ("Servicios", "Hermanos", "Logística", "Suministros", "Alimentos"),
    "it": ("Servizi", "Fratelli", "Impianti", "Forniture", "Alimentari"),
    "nl": ("Techniek", "Handel", "Advies", "en Zonen", "Transport"),
}  # fmt: skip
# Words beside those of the phrase books; the last row holds other numbers and other dates.
MORE: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "en": {"invoice_number": ("Invoice #", "Document no.", "Inv. ref", "Our ref", "Bill no", "Invoice"),
           "issue_date": ("Date", "Dated", "Billing date", "Tax point"), "total_amount": ("Total", "TOTAL", "Gross", "Total GBP"),
           "purchase_order": ("PO", "Your ref", "Order ref", "Purchase order no"), "customer": ("Bill to", "Sold to", "Invoice to:", ""),
           "numbers": ("Customer no.", "Account no", "Delivery note", "Contract", "Phone", "Our order no", "Job no", "Company reg. no."),
           "dates": ("Delivery date", "Order date", "Ship date", "Period from", "Printed"), "paid": ("Paid", "Deposit received"),
           "discount": ("Discount", "Carriage"), "name": ("Name:",)},
    "de": {"invoice_number": ("Rechnungsnr.", "Rechnung Nr", "Beleg-Nr.", "Re.-Nr.", "Nummer", "Unser Zeichen"),
           "issue_date": ("Datum", "Rechnungsdatum", "Re.-Datum", "Ausgestellt am", "vom"), "total_amount": ("Gesamt", "Summe", "Bruttosumme", "Total", "Endbetrag inkl. MwSt."),
           "purchase_order": ("Ihre Bestellnummer", "Best.-Nr.", "Ihr Zeichen", "Bestellung Nr.", "Ihre Bestellung"), "customer": ("Rechnungsempfänger", "Käufer", "Kunde", "", ""),
           "numbers": ("Kundennr.", "Kundennummer", "Lieferschein-Nr.", "Auftragsnummer", "Telefon", "Steuernummer", "Vertrag", "HRB", "Projekt-Nr."),
           "dates": ("Lieferdatum", "Leistungsdatum", "Bestelldatum", "Auftragsdatum", "Leistungszeitraum"), "paid": ("Anzahlung", "Bereits gezahlt"),
           "discount": ("Rabatt", "Versandkosten"), "name": ("Name:", "Firma:")},
    "fr": {"invoice_number": ("N° facture", "Facture n°", "Référence", "Pièce n°", "N° de facture"),
           "issue_date": ("Date", "Le", "Date facture", "Émise le"), "total_amount": ("Total TTC", "Total", "Montant TTC", "TTC"),
           "purchase_order": ("Commande n°", "Votre réf.", "Bon de commande", "V/Réf"), "customer": ("Client", "Facturé à", "Adresse de facturation", ""),
           "numbers": ("N° client", "Code client", "Bon de livraison", "Tél.", "SIRET", "N° contrat", "Dossier"),
           "dates": ("Date de livraison", "Date de commande", "Période du"), "paid": ("Acompte", "Déjà réglé"),
           "discount": ("Remise", "Frais de port"), "name": ("Nom :",)},
    "es": {"invoice_number": ("Nº factura", "Factura", "Nº documento", "Número"), "issue_date": ("Fecha", "Fecha factura", "Fecha emisión"),
           "total_amount": ("Total", "TOTAL", "Total factura", "Importe total"), "purchase_order": ("Su pedido", "Pedido nº", "Su ref."), "customer": ("Cliente", "Facturar a", ""),
           "numbers": ("Cód. cliente", "Albarán nº", "Teléfono", "Contrato", "Presupuesto"), "dates": ("Fecha entrega", "Fecha pedido", "Periodo"),
           "paid": ("Anticipo",), "discount": ("Descuento", "Portes"), "name": ("Nombre:",)},
    "it": {"invoice_number": ("Fattura n.", "N. documento", "Numero", "Fatt. n°"), "issue_date": ("Data", "Data doc.", "Data documento"),
           "total_amount": ("Totale", "TOTALE", "Totale documento"), "purchase_order": ("Ordine n.", "Vs. ordine", "Rif. ordine"), "customer": ("Cliente", "Spett.le", ""),
           "numbers": ("Cod. cliente", "D.D.T. n.", "Tel.", "Contratto", "Commessa"), "dates": ("Data consegna", "Data ordine", "Data DDT"),
           "paid": ("Acconto",), "discount": ("Sconto", "Spese di trasporto"), "name": ("Denominazione:",)},
    "nl": {"invoice_number": ("Factuurnr", "Factuur", "Nummer", "Faktuurnummer"), "issue_date": ("Datum", "Factuurdatum"), "total_amount": ("Totaal", "TOTAAL", "Totaal te betalen"),
           "purchase_order": ("Ordernummer", "Uw referentie", "Bestelnr."), "customer": ("Klant", "Factuuradres", ""),
           "numbers": ("Klantnummer", "Pakbonnummer", "Telefoon", "KvK", "Contractnummer"), "dates": ("Leverdatum", "Orderdatum", "Besteldatum"),
           "paid": ("Aanbetaling",), "discount": ("Korting", "Verzendkosten"), "name": ("Naam:",)},
}  # fmt: skip
ODD = ("Ref", "ID", "Vorgang", "Bezug", "Kennz.", "Réf", "Cod.", "Nr", "—", "")
FORMS = (
    "{d5}", "{d6}", "{d8}", "RE-{y}-{d4}", "INV{d5}", "INV-{y}-{d3}", "{y}/{d4}", "{y}-{d3}", "R{d6}", "F{y2}{d4}", "FA-{d4}",
    "{d3}/{y}", "{a}{d5}", "{a}{a}-{d4}", "{y}{d4}", "{d4}", "{d10}", "{a}{d3}/{d2}",
)  # fmt: skip
VERSIONS = ("Version 2.1 vom ", "Form 12, version of ", "Stand ", "Modèle du ", "Version ", "Form 7: ")
DEBIT: Mapping[str, str] = {
    "en": "We will collect the amount from your account",
    "de": "Wir ziehen den Betrag von Ihrem Konto ein:",
    "fr": "Prélèvement sur votre compte",
    "es": "Cargo en su cuenta",
    "it": "Addebito sul vostro conto cliente",
    "nl": "Incasso van uw rekening",
}
ON: Mapping[str, str] = {"en": "on", "de": "den", "fr": "le", "es": "a", "it": "il", "nl": "op"}
UNTIL: Mapping[str, str] = {"en": "to", "de": "bis", "fr": "au", "es": "al", "it": "al", "nl": "t/m"}
