"""Headings by which documents call themselves, by class, in the six languages that our suppliers write.

Headings that name several classes ("Statement", "Order", "Extrait de compte") are left out on purpose. `other` are
papers that look like a bill or an order and are none, and what an office sends besides.
"""

from __future__ import annotations

from collections.abc import Mapping

_LISTS = {
    "invoice": """
        invoice; tax invoice; commercial invoice; vat invoice; sales invoice; service invoice; customer invoice;
        freight invoice; final invoice; e-invoice; rechnung; handelsrechnung; schlussrechnung; abschlagsrechnung;
        sammelrechnung; teilrechnung; monatsrechnung; facture; facture de vente; facture commerciale;
        facture d'acompte; facture de solde; factura; factura comercial; factura de venta; fattura;
        fattura di vendita; fattura commerciale; fattura accompagnatoria; fattura differita; fattura immediata;
        factuur; verkoopfactuur; handelsfactuur; verzamelfactuur; faktura; faktura vat; fatura; nota fiscal;
        self-billing invoice; self-billed invoice; interim invoice; progress invoice; consolidated invoice;
        collective invoice; corrected invoice; dauerrechnung; quartalsrechnung; jahresrechnung; honorarrechnung;
        rechnungskopie; anzahlungsrechnung; facture recapitulative; note d'honoraires; factura electronica;
        factura ordinaria; fattura elettronica; parcella; eindfactuur; voorschotfactuur; termijnfactuur""",
    "credit_note": """
        credit note; tax credit note; credit memo; credit memorandum; credit invoice; gutschrift; stornorechnung;
        storno; avoir; facture d'avoir; note de credit; nota de credito; factura rectificativa; nota de abono;
        nota di credito; nota di accredito; creditnota; creditfactuur; kreditnota; self-billed credit note;
        rechnungskorrektur; gutschriftsanzeige; warengutschrift; kaufmannische gutschrift; note d'avoir;
        factura de abono; nota credito""",
    "purchase_order": """
        purchase order; blanket purchase order; purchase order form; bestellung; einkaufsbestellung; abrufbestellung;
        rahmenbestellung; bestellschein; bon de commande; commande d'achat; commande fournisseur; orden de compra;
        pedido de compra; hoja de pedido; ordine di acquisto; ordine d'acquisto; ordine a fornitore; buono d'ordine;
        inkooporder; bestelbon; bestelling; inkoopopdracht; supplier order; lieferantenbestellung; bestellauftrag;
        ordre d'achat; pedido a proveedor; nota de pedido; inkoopbestelling; bestelformulier""",
    "order_response": """
        order confirmation; sales order confirmation; order acknowledgement; order acknowledgment;
        acknowledgement of order; order response; auftragsbestatigung; bestellbestatigung; confirmation de commande;
        accuse de reception de commande; confirmacion de pedido; aceptacion de pedido; conferma d'ordine;
        conferma ordine; orderbevestiging; opdrachtbevestiging; confirmation of order; confirmation of your order;
        auftragsannahme; bestatigung ihrer bestellung; confirmation de votre commande; confirmacion de su pedido;
        acuse de recibo de pedido; conferma dell'ordine; conferma di ordine; conferma del vostro ordine;
        bevestiging van uw bestelling; bevestiging van uw order; bestelbevestiging""",
    "delivery_note": """
        delivery note; delivery docket; delivery order; packing list; packing slip; dispatch note; despatch note;
        despatch advice; dispatch advice; shipping note; waybill; bill of lading; lieferschein; packliste; packzettel;
        warenbegleitschein; frachtbrief; versandanzeige; bon de livraison; bordereau d'expedition; liste de colisage;
        lettre de voiture; avis d'expedition; albaran; albaran de entrega; nota de entrega; lista de embalaje;
        carta de porte; documento di trasporto; ddt; bolla di consegna; lista di imballaggio; lettera di vettura;
        pakbon; leveringsbon; afleverbon; vrachtbrief; paklijst; proof of delivery; consignment note; cmr;
        air waybill; shipping advice; advice of dispatch; liefernachweis; ablieferbeleg; ladeliste; versandschein;
        bordereau de livraison; guia de remision; nota de remision; bolla di accompagnamento; leverbon; verzendlijst;
        verzendbon; ladingsbrief""",
    "statement_of_account": """
        statement of account; customer statement; statement of open items; open items list; offene-posten-liste;
        offene posten; saldenbestatigung; saldenmitteilung; releve de factures; releve de compte client;
        extracto de cliente; estratto conto cliente; partite aperte; openstaande posten; debiteurenoverzicht;
        statement of accounts; supplier statement; vendor statement; statement of outstanding invoices;
        aged statement; offene-posten-aufstellung; op-liste; kontenabstimmung; releve de compte fournisseur;
        etat de compte client; situation de compte; estado de cuenta de cliente; extracto de cuenta de cliente;
        partidas abiertas; situazione contabile; situazione partite; openstaande facturen; saldoopgave""",
    "remittance_advice": """
        remittance advice; remittance; payment advice; payment remittance; advice of payment; zahlungsavis;
        uberweisungsavis; zahlungsmitteilung; avis de paiement; avis de virement; avis de reglement; aviso de pago;
        aviso de transferencia; avviso di pagamento; avviso di bonifico; distinta di pagamento; betaaladvies;
        betalingsspecificatie; remittance slip; remittance notice; payment remittance advice; payment notification;
        notice of payment; avisierung; zahlungsanzeige; zahlungsbenachrichtigung; uberweisungsanzeige;
        bordereau de reglement; bordereau de paiement; notificacion de pago; avviso di avvenuto pagamento;
        comunicazione di pagamento; betalingsadvies; betalingsavis""",
    "payment_reminder": """
        payment reminder; reminder; first reminder; second reminder; third reminder; final reminder; final notice;
        overdue notice; past due notice; dunning notice; dunning letter; final demand; mahnung; zahlungserinnerung;
        letzte mahnung; zahlungsaufforderung; relance; lettre de relance; rappel de paiement; mise en demeure;
        recordatorio de pago; reclamacion de pago; requerimiento de pago; sollecito; sollecito di pagamento;
        promemoria di pagamento; betalingsherinnering; aanmaning; ingebrekestelling; friendly reminder;
        friendly payment reminder; overdue payment reminder; overdue payment notice; payment overdue; overdue invoice;
        overdue account; account overdue; letter of demand; notice of default; freundliche zahlungserinnerung;
        erste mahnung; zweite mahnung; dritte mahnung; rappel; premier rappel; deuxieme rappel; dernier rappel;
        avis de retard; primer recordatorio; segundo recordatorio; aviso de impago; primo sollecito;
        secondo sollecito; ultimo sollecito; costituzione in mora; herinnering; eerste herinnering;
        tweede herinnering; laatste aanmaning""",
    "dispute": """
        invoice dispute; notice of dispute; notice of defects; objection to invoice; reklamation; mangelruge;
        mangelanzeige; rechnungsreklamation; contestation de facture; reclamation; lettre de reclamation;
        disconformidad con la factura; contestazione fattura; reclamo; betwisting factuur; bezwaar tegen factuur;
        complaint; notice of claim; query on invoice; disputed invoice; beanstandung; rechnungsbeanstandung;
        widerspruch gegen rechnung; litige facture; litige sur facture; reclamacion; reclamacion de factura;
        contestazione; contestazione della fattura; klacht; factuurbetwisting""",
    "contract": """
        agreement; contract; letter agreement; framework agreement; vertrag; rahmenvertrag; dienstleistungsvertrag;
        geheimhaltungsvereinbarung; mietvertrag; kaufvertrag; arbeitsvertrag; werkvertrag; lizenzvertrag; contrat;
        contrat de prestation de services; contrat-cadre; accord de confidentialite; bail commercial;
        contrat de travail; contrato; contrato de prestacion de servicios; acuerdo marco; acuerdo de confidencialidad;
        contrato de arrendamiento; contratto; contratto di fornitura; contratto di servizi; accordo quadro;
        accordo di riservatezza; contratto di locazione; overeenkomst; raamovereenkomst; huurovereenkomst;
        geheimhoudingsovereenkomst; arbeidsovereenkomst; memorandum of understanding; nachtrag; contrat cadre;
        avenant; contratto quadro; contratto d'appalto""",
    "bank_statement": """
        bank statement; kontoauszug; bankauszug; releve bancaire; releve de compte bancaire; extracto bancario;
        estratto conto bancario; estratto conto corrente; bankafschrift; rekeningafschrift;
        checking account statement; savings account statement; current account statement; credit card statement;
        kreditkartenabrechnung; tagesauszug; kontoumsatze; umsatzubersicht; releve d'operations; releve de carte;
        extracto de cuenta corriente; movimientos de cuenta; lista movimenti; rekeningafschriften; rekeninguittreksel;
        dagafschrift; creditcardoverzicht""",
    "receipt": """
        receipt; cash receipt; sales receipt; payment receipt; official receipt; till receipt; cash bill; quittung;
        kassenbon; kassenbeleg; ticket de caisse; recu de paiement; ticket de compra; factura simplificada; scontrino;
        scontrino fiscale; ricevuta fiscale; kassabon; kwitantie; sales slip; cash sale; cash memo; barverkauf;
        barquittung; bewirtungsbeleg; tankquittung; facturette; recu; recibo; recibo de pago; ricevuta;
        ricevuta di pagamento; documento commerciale; kassaticket; betaalbewijs""",
    "tax_form": """
        vat return; value added tax return; tax return; withholding tax certificate; certificate of residence;
        umsatzsteuer-voranmeldung; umsatzsteuererklarung; steuerbescheid; lohnsteuerbescheinigung;
        ansassigkeitsbescheinigung; freistellungsbescheinigung; declaration de tva; avis d'imposition;
        certificado de residencia fiscal; certificado de retenciones; dichiarazione iva; certificazione unica;
        btw-aangifte; aangifte omzetbelasting; aanslagbiljet; income tax return; corporation tax return; form w-9;
        form w-8ben; form w-8ben-e; tax assessment; tax assessment notice; notice of assessment; vat certificate;
        vat registration certificate; steueranmeldung; gewerbesteuerbescheid; korperschaftsteuerbescheid;
        einkommensteuerbescheid; einkommensteuererklarung; bescheinigung in steuersachen;
        unbedenklichkeitsbescheinigung; declaration de revenus; liasse fiscale; attestation fiscale;
        attestation de residence fiscale; declaracion de la renta; declaracion del iva; autoliquidacion; modello f24;
        dichiarazione dei redditi; certificato di residenza fiscale; belastingaangifte; woonplaatsverklaring""",
    "other": """
        quotation; quote; price quotation; request for quotation; proforma; proforma invoice; pro forma invoice;
        pro-forma invoice; angebot; angebotsanfrage; kostenvoranschlag; proformarechnung; proforma-rechnung; devis;
        facture proforma; facture pro forma; facture pro-forma; presupuesto; oferta; cotizacion; factura proforma;
        preventivo; offerta; fattura proforma; fattura pro forma; offerte; prijsopgave; proformafactuur;
        pro-formafactuur; payslip; pay slip; gehaltsabrechnung; lohnabrechnung; entgeltabrechnung; bulletin de paie;
        bulletin de salaire; fiche de paie; nomina; recibo de nomina; busta paga; cedolino; loonstrook;
        salarisspecificatie; timesheet; time sheet; stundenzettel; meeting minutes; minutes of meeting; minutes;
        agenda; protokoll; besprechungsprotokoll; proces-verbal; compte rendu; acta de reunion; verbale; notulen;
        curriculum vitae; lebenslauf; newsletter; press release; pressemitteilung; communique de presse; price list;
        preisliste; lista de precios; listino prezzi; prijslijst; stock report; inventory report; bestandsliste;
        inventurliste; etat des stocks; voorraadlijst; data sheet; datenblatt; fiche technique; insurance policy;
        insurance certificate; certificate of insurance; versicherungsschein; police d'assurance; poliza de seguro;
        polizza assicurativa; verzekeringspolis; expense report; reisekostenabrechnung; spesenabrechnung;
        note de frais; nota de gastos; nota spese; certificate of origin; ursprungszeugnis; boarding pass;
        questionnaire; fragebogen""",
}

TITLES: Mapping[str, tuple[str, ...]] = {
    name: tuple(" ".join(title.split()) for title in titles.split(";")) for name, titles in _LISTS.items()
}
"""Class → headings, in small letters without accents."""
