"""Words, countries and exchange rates from which the third ledger's firms are made up. Every firm is invented."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Country:
    """Where a firm sits. tax: pattern of the tax id (# a digit, @ a letter); iban: pattern of the BBAN, '' without."""

    code: str
    currency: str
    language: str
    vat: float
    tax: str
    iban: str
    people: tuple[str, ...]
    towns: tuple[str, ...]
    trades: tuple[str, ...]
    forms: tuple[str, ...]
    tags: tuple[str, ...]


def _c(code: str, currency: str, language: str, vat: float, tax: str, iban: str, *words: str) -> Country:
    people, towns, trades, forms, tags = (tuple(part.strip() for part in text.split("|")) for text in words)
    return Country(code, currency, language, vat, tax, iban, people, towns, trades, forms, tags)


_ENGLISH = (
    "Logistics|Engineering|Office Supplies|Cleaning Services|Steel|Packaging|Print|Haulage|Hydraulics|IT Solutions|"
    "Tools|Catering|Scaffolding|Electrical|Consulting|Laboratories|Security|Medical|Plumbing & Heating|Fasteners|"
    "Technologies|Manufacturing|International|Supplies|Property Management|Recruitment"
)
COUNTRIES = {
    c.code: c
    for c in (
        _c(
            *("DE", "EUR", "de", 0.19, "DE#########", "##################"),
            "Brandt|Hoffmann|Köhler|Schröder|Weiß|Lindner|Baumgärtner|Vogt|Jäger|Krüger|Nowak|Seidel|Öztürk|Dietz|Böhm",
            "Ulm|Bremen|Köln|Münster|Fürth|Kassel|Jena|Lübeck|Trier|Hagen",
            "Logistik|Maschinenbau|Elektrotechnik|Bürobedarf|Gebäudereinigung|Metallbau|Kunststofftechnik|Druckerei|"
            "Spedition|Hydraulik|Systemhaus|Werkzeuge|Personaldienste|Verpackungen|Kältetechnik|Labortechnik",
            "GmbH|GmbH|GmbH & Co. KG|AG|e.K.|KG|UG",
            "RE|RG|R|Rechnung|RNr|AR",
        ),
        _c(
            *("GB", "GBP", "en", 0.20, "GB#########", "@@@@##############"),
            "Harper|Whitfield|O'Neill|Patel|McAllister|Shaw|Barrow|Ellis|Khan|Lockwood|Pryce|Turner|Ashby|Doyle|Finch",
            "Leeds|Bristol|Derby|Cardiff|Dundee|Hull|Exeter|Luton|Perth|Wigan",
            _ENGLISH,
            "Ltd|Ltd|Limited|PLC|LLP|",
            "INV|SI|SINV|IN|S",
        ),
        _c(
            *("US", "USD", "en", 0.0, "##-#######", ""),
            "Kowalski|Ramirez|Johnson|Vance|Delgado|McCoy|Nguyen|Stein|Hollis|Abbott|Reyes|Park|Olsen|Becker|Franklin",
            "Toledo|Mesa|Akron|Reno|Tulsa|Dayton|Boise|Tampa|Salem|Fargo",
            _ENGLISH,
            "Inc.|Inc|LLC|Corp.|Co.|LP|",
            "INV|I|IN|SLS|",
        ),
        _c(
            *("FR", "EUR", "fr", 0.20, "FR###########", "#######################"),
            "Lefèvre|Moreau|Garnier|Chevalier|Benoît|Dupuis|Faure|Mercier|Gaillard|Perrin|Rousseau|Étienne",
            "Lyon|Nantes|Lille|Dijon|Reims|Tours|Brest|Metz",
            "Transports|Électricité|Imprimerie|Nettoyage|Mécanique|Conseil|Bâtiment|Fournitures|Informatique|Énergies",
            "SARL|SAS|SA|EURL|et Fils",
            "FA|F|FC|FACT|FAC",
        ),
        _c(
            *("ES", "EUR", "es", 0.21, "ESB########", "####################"),
            "García|Muñoz|Ortega|Ibáñez|Navarro|Serrano|Peña|Gutiérrez|Vidal|Castro|Núñez|Rubio",
            "Bilbao|Vigo|Murcia|Gijón|León|Cádiz|Soria|Jaén",
            "Transportes|Suministros|Limpiezas|Construcciones|Gráficas|Instalaciones|Consultores|Talleres|Alimentación",
            "S.L.|SL|S.A.|SLU|e Hijos SL",
            "FV|F|FRA|FAC|A",
        ),
        _c(
            *("IT", "EUR", "en", 0.22, "IT###########", "@######################"),
            "Bianchi|Conti|Esposito|Ferrari|Greco|Lombardi|Marchetti|Rinaldi|Testa|Villa|Moretti|Donà",
            "Torino|Bari|Parma|Udine|Lecce|Prato|Siena|Como",
            "Trasporti|Meccanica|Forniture|Impianti|Grafica|Servizi|Officine|Edilizia|Ceramiche",
            "S.r.l.|Srl|S.p.A.|SNC|& C. SAS",
            "FT|FE|V|FPR|",
        ),
        _c(
            *("NL", "EUR", "en", 0.21, "NL#########B0#", "@@@@##########"),
            "de Vries|Jansen|van den Berg|Bakker|Visser|Smit|Mulder|de Boer|Dekker|Kok",
            "Breda|Zwolle|Arnhem|Leiden|Delft|Venlo|Almelo",
            "Transport|Installatie|Schoonmaak|Drukkerij|Techniek|Kantoor|Bouw|Verpakking|Advies",
            "B.V.|BV|NV|VOF",
            "F|VF|FACT|",
        ),
        _c(
            *("PL", "PLN", "en", 0.23, "PL##########", "########################"),
            "Kowalczyk|Wiśniewski|Zieliński|Lewandowska|Dąbrowski|Wójcik|Kaczmarek|Łukasik",
            "Gdynia|Łódź|Toruń|Opole|Lublin|Radom",
            "Transport|Budownictwo|Usługi|Drukarnia|Hurtownia|Elektro|Serwis|Narzędzia",
            "Sp. z o.o.|Sp. z o. o.|S.A.|Sp.k.|Sp.j.",
            "FV|FS|FVS|F",
        ),
        _c(
            *("SE", "SEK", "en", 0.25, "SE##########01", "####################"),
            "Lindqvist|Åkesson|Bergström|Nyström|Sjöberg|Holm|Öberg|Sundin",
            "Malmö|Umeå|Lund|Växjö|Örebro|Gävle",
            "Åkeri|Bygg|Elteknik|Städservice|Verktyg|Konsult|Tryckeri|Kyla",
            "AB|AB|HB|",
            "F|FAK|",
        ),
        _c(
            *("CH", "CHF", "de", 0.08, "CHE-###.###.###", "#################"),
            "Gerber|Zürcher|Bühler|Ammann|Rüegg|Steiner|Wyss|Caduff|Favre",
            "Zug|Chur|Thun|Olten|Biel|Baden",
            "Elektro|Treuhand|Haustechnik|Transporte|Präzision|Reinigung|Informatik|Schreinerei",
            "AG|GmbH|SA|& Co.",
            "RG|R|RE|",
        ),
        _c(
            *("IN", "INR", "en", 0.18, "27@@@@@####@1Z#", ""),
            "Sharma|Iyer|Mehta|Reddy|Chatterjee|Gupta|Nair|Desai|Kulkarni|Bose",
            "Pune|Nashik|Surat|Kochi|Mysore|Indore",
            _ENGLISH,
            "Pvt. Ltd.|Pvt Ltd|Private Limited|Ltd|& Sons|Enterprises",
            "INV|GST|TI|",
        ),
        _c(
            *("ZA", "ZAR", "en", 0.15, "4#########", ""),
            "Botha|Dlamini|Naidoo|van Wyk|Mokoena|Pillay|Nkosi|Smuts",
            "Paarl|Welkom|Knysna|Durban|George",
            _ENGLISH,
            "(Pty) Ltd|Pty Ltd|CC|",
            "INV|IN|",
        ),
    )
}
SYLLABLES = (
    *("al", "ar", "bel", "cor", "dex", "eno", "fir", "gal", "hel", "iva", "jun", "kor", "lum"),
    *("mar", "nex", "or", "pra", "qui", "ros", "sol", "tec", "ul", "ver", "win", "xa", "zen"),
)

# What a line of a bill says, by language: goods, work, things paid for again and again.
GOODS = {
    "en": "Copy paper A4|Hex bolts M8|Toner cartridge|Nitrile gloves|Hydraulic hose 3/8|Pallets EUR|Sheet steel 2mm|"
    "Safety boots|Cable NYM 3x1.5|Bearings 6204|Cardboard boxes|Diesel fuel|Detergent 10L|LED panels|Filter inserts",
    "de": "Kopierpapier A4|Sechskantschrauben M8|Toner|Nitrilhandschuhe|Hydraulikschlauch|Europaletten|Stahlblech 2mm|"
    "Sicherheitsschuhe|Kabel NYM 3x1,5|Kugellager 6204|Kartonagen|Diesel|Reinigungsmittel 10L|LED-Panel|Filtereinsatz",
    "fr": "Papier A4|Boulons M8|Cartouches toner|Gants nitrile|Flexible hydraulique|Palettes|Tôle acier 2mm|Gasoil|"
    "Câble 3x1,5|Roulements 6204|Cartons|Détergent 10L|Dalles LED|Filtres",
    "es": "Papel A4|Tornillos M8|Tóner|Guantes nitrilo|Manguera hidráulica|Palés|Chapa acero 2mm|Gasóleo|Cable 3x1,5|"
    "Rodamientos 6204|Cajas cartón|Detergente 10L|Paneles LED|Filtros",
}
WORK = {
    "en": "Repair|Maintenance|Consulting|Installation|Temp staff|Cleaning|Freight|Translation|Inspection|Legal advice",
    "de": "Reparatur|Wartung|Beratung|Montage|Leihpersonal|Reinigung|Fracht|Übersetzung|Prüfung|Rechtsberatung",
    "fr": "Réparation|Maintenance|Conseil|Installation|Intérim|Nettoyage|Transport|Traduction|Contrôle|Honoraires",
    "es": "Reparación|Mantenimiento|Consultoría|Instalación|Personal temporal|Limpieza|Portes|Traducción|Inspección",
}
FEES = {
    "en": "Rent|Line rental|Vehicle lease|Insurance premium|Software subscription|Copier lease|Waste disposal|Dues",
    "de": "Miete|Anschlussgebühr|Kfz-Leasing|Versicherungsprämie|Softwareabo|Kopierermiete|Entsorgung|Mitgliedsbeitrag",
    "fr": "Loyer|Abonnement ligne|Location véhicule|Prime assurance|Abonnement logiciel|Location copieur|Cotisation",
    "es": "Alquiler|Cuota línea|Renting vehículo|Prima seguro|Suscripción software|Renting copiadora|Cuota socio",
}
PERIOD = {"en": "period", "de": "Zeitraum", "fr": "période", "es": "período"}
PART = {"en": "instalment", "de": "Rate", "fr": "acompte", "es": "plazo"}

# One euro in other money: about the average of each year from 2016 to 2025, taken as standing in the middle of it.
_RATES = {
    "EUR": (1.0,) * 10,
    "USD": (1.107, 1.130, 1.181, 1.120, 1.142, 1.183, 1.053, 1.081, 1.082, 1.13),
    "GBP": (0.819, 0.877, 0.885, 0.878, 0.890, 0.860, 0.853, 0.870, 0.847, 0.856),
    "CHF": (1.090, 1.112, 1.155, 1.112, 1.071, 1.081, 1.005, 0.972, 0.953, 0.937),
    "PLN": (4.363, 4.257, 4.261, 4.298, 4.443, 4.565, 4.686, 4.542, 4.306, 4.24),
    "SEK": (9.469, 9.635, 10.258, 10.589, 10.485, 10.146, 10.630, 11.479, 11.433, 11.1),
    "INR": (74.4, 73.5, 80.7, 78.8, 84.6, 87.4, 82.7, 89.3, 90.5, 98.0),
    "ZAR": (16.26, 15.05, 15.62, 16.18, 18.77, 17.48, 17.21, 19.96, 19.83, 20.2),
}


def rate(currency: str, into: str, day: date) -> float:
    """Units of `into` for one of `currency` on `day`, between the years' averages; right to a few per cent."""
    place = min(max(day.year + day.timetuple().tm_yday / 365.25 - 2016.5, 0.0), 8.999)
    year, share = int(place), place - int(place)
    old, new = (table[year] * (1 - share) + table[year + 1] * share for table in (_RATES[currency], _RATES[into]))
    return new / old


def words(table: dict[str, str], language: str) -> list[str]:
    """The words of one language, '|' between them."""
    return table[language].split("|")
