"""Words for made-up ledgers: countries, names of firms, what is bought: invented or common knowledge.

Yearly mean rates are units of a currency for one euro, rounded from memory of the published means: they need to be
plausible, not exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Country:
    """What a supplier's papers look like there. `tax`: # is a digit, @ a letter; `account`: IBAN characters after
    the check digits in the same code, '' where no IBAN is used; `vat` in percent."""

    currency: str
    language: str
    legal: tuple[str, ...]
    tax: str
    account: str
    vat: tuple[int, ...]


def _land(currency: str, language: str, legal: str, tax: str, account: str, vat: tuple[int, ...]) -> Country:
    return Country(currency, language, tuple(legal.split("|")), tax, account, vat)


COUNTRIES = {
    "DE": _land("EUR", "de", "GmbH|GmbH & Co. KG|AG|KG|e.K.|UG|OHG|", "DE#########", "#" * 18, (19, 7)),
    "AT": _land("EUR", "de", "GmbH|Ges.m.b.H.|AG|KG|e.U.|", "ATU########", "#" * 16, (20, 10)),
    "CH": _land("CHF", "de", "AG|GmbH|Sàrl|SA|", "CHE-###.###.### MWST", "#" * 17, (8, 0)),
    "GB": _land("GBP", "en", "Ltd|Limited|PLC|LLP|& Sons Ltd|", "GB#########", "@@@@" + "#" * 14, (20, 5)),
    "IE": _land("EUR", "en", "Ltd|DAC|Limited|", "IE#######@@", "@@@@" + "#" * 14, (23, 13)),
    "US": _land("USD", "en", "Inc.|LLC|Corp.|Co.|Incorporated|", "##-#######", "", (0, 8)),
    "CA": _land("CAD", "en", "Inc.|Ltd.|Corp.|", "#########RT0001", "", (5, 13)),
    "AU": _land("AUD", "en", "Pty Ltd|Pty. Limited|", "## ### ### ###", "", (10, 0)),
    "ZA": _land("ZAR", "en", "(Pty) Ltd|CC|", "4#########", "", (15, 0)),
    "FR": _land("EUR", "fr", "SARL|SAS|SA|SASU|EURL|Ets|", "FR###########", "#" * 23, (20, 10)),
    "BE": _land("EUR", "fr", "SA|SRL|NV|BV|BVBA", "BE0#########", "#" * 12, (21, 6)),
    "IT": _land("EUR", "it", "S.r.l.|S.p.A.|S.n.c.|srl|S.a.s.", "IT###########", "@" + "#" * 22, (22, 10)),
    "ES": _land("EUR", "es", "S.L.|S.A.|SL|S.L.U.|", "ESB########", "#" * 20, (21, 10)),
    "MX": _land("MXN", "es", "S.A. de C.V.|S. de R.L.|", "@@@######@##", "", (16, 0)),
    "PT": _land("EUR", "pt", "Lda|S.A.|Unipessoal Lda", "PT#########", "#" * 21, (23, 6)),
    "BR": _land("BRL", "pt", "Ltda|S/A|ME|EIRELI", "##.###.###/0001-##", "", (0, 18)),
    "NL": _land("EUR", "nl", "B.V.|BV|N.V.|V.O.F.|", "NL#########B##", "@@@@" + "#" * 10, (21, 9)),
    "PL": _land("PLN", "pl", "Sp. z o.o.|S.A.|Sp.j.|sp. z o.o. sp.k.|", "PL##########", "#" * 24, (23, 8)),
    "CZ": _land("CZK", "cs", "s.r.o.|a.s.|spol. s r.o.", "CZ########", "#" * 20, (21, 12)),
    "HU": _land("HUF", "hu", "Kft.|Zrt.|Bt.|Nyrt.", "HU########", "#" * 24, (27, 5)),
    "RO": _land("RON", "ro", "SRL|S.R.L.|SA", "RO########", "@@@@" + "#" * 16, (19, 9)),
    "SE": _land("SEK", "sv", "AB|Aktiebolag|HB", "SE##########01", "#" * 20, (25, 12)),
    "NO": _land("NOK", "sv", "AS|ASA|ENK", "NO#########MVA", "#" * 11, (25, 15)),
    "DK": _land("DKK", "sv", "A/S|ApS|I/S", "DK########", "#" * 14, (25, 0)),
    "JP": _land("JPY", "en", "K.K.|Co., Ltd.", "T#############", "", (10, 8)),
    "CN": _land("CNY", "en", "Co., Ltd.|Trading Co. Ltd|", "##################", "", (13, 6)),
}
NEIGHBOURS = ("DE", "DE", "FR", "IT", "NL", "PL", "GB", "AT", "BE", "ES", "CH", "CZ", "SE", "US", "CN", "DK", "IE")

RATES: dict[str, tuple[float, ...]] = {  # units for one euro, yearly means 2015 to 2025
    "EUR": (1.0,) * 11,
    "USD": (1.11, 1.107, 1.13, 1.181, 1.12, 1.142, 1.183, 1.053, 1.081, 1.082, 1.13),
    "GBP": (0.726, 0.819, 0.877, 0.885, 0.878, 0.89, 0.86, 0.853, 0.87, 0.847, 0.857),
    "CHF": (1.068, 1.09, 1.112, 1.155, 1.112, 1.071, 1.081, 1.005, 0.972, 0.953, 0.937),
    "SEK": (9.35, 9.47, 9.64, 10.26, 10.59, 10.48, 10.15, 10.63, 11.48, 11.43, 11.07),
    "NOK": (8.95, 9.29, 9.33, 9.6, 9.85, 10.72, 10.16, 10.1, 11.42, 11.63, 11.7),
    "DKK": (7.459, 7.445, 7.439, 7.453, 7.466, 7.454, 7.437, 7.44, 7.451, 7.459, 7.463),
    "PLN": (4.184, 4.363, 4.257, 4.262, 4.298, 4.443, 4.565, 4.686, 4.542, 4.306, 4.24),
    "CZK": (27.28, 27.03, 26.33, 25.65, 25.67, 26.46, 25.64, 24.57, 24.0, 25.12, 24.7),
    "HUF": (310.0, 311.4, 309.2, 318.9, 325.3, 351.2, 358.5, 391.3, 381.9, 395.3, 398.0),
    "RON": (4.445, 4.49, 4.569, 4.654, 4.745, 4.838, 4.922, 4.931, 4.947, 4.975, 5.04),
    "CAD": (1.419, 1.466, 1.465, 1.529, 1.486, 1.53, 1.483, 1.37, 1.46, 1.482, 1.58),
    "AUD": (1.478, 1.488, 1.473, 1.58, 1.611, 1.655, 1.575, 1.517, 1.629, 1.64, 1.75),
    "JPY": (134.3, 120.2, 126.7, 130.4, 122.0, 121.8, 129.9, 138.0, 152.0, 163.9, 169.0),
    "CNY": (6.97, 7.352, 7.629, 7.808, 7.736, 7.875, 7.628, 7.079, 7.66, 7.788, 8.1),
    "ZAR": (14.17, 16.26, 15.05, 15.62, 16.18, 18.77, 17.48, 17.21, 19.96, 19.83, 20.2),
    "BRL": (3.7, 3.856, 3.605, 4.309, 4.413, 5.894, 6.378, 5.44, 5.4, 5.83, 6.3),
    "MXN": (17.6, 20.67, 21.33, 22.71, 21.56, 24.52, 23.99, 21.19, 19.18, 19.83, 21.7),
}
WHOLE = frozenset({"JPY", "HUF"})  # no smaller unit in use


def rate(currency: str, day: date) -> float:
    """Units of a currency for one euro about that day: the yearly means, joined by straight lines."""
    means = RATES[currency]
    at = min(max(day.year - 2015 + (day.timetuple().tm_yday - 183) / 365, 0.0), 9.999)
    return means[int(at)] + (means[int(at) + 1] - means[int(at)]) * (at - int(at))


SURNAMES = {
    "de": "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch Bauer Richter Klein Wolf "
    "Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Krause Lehmann Maier Köhler "
    "Huber Großmann",
    "en": "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White Roberts "
    "Green Hall Wood Jackson Clarke Harrison O'Brien McKenzie Hughes Carter Mitchell Fletcher Barker Thornton Pearce",
    "fr": "Martin Bernard Dubois Durand Leroy Moreau Lefèvre Girard Roux Fournier Mercier Dupont Lambert "
    "Bonnet Garnier "
    "Faure Chevalier Blanchard Guérin Rousseau",
    "it": "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti Costa Mancini "
    "Barbieri Fontana Moretti Caruso",
    "es": "García Fernández González Rodríguez López Martínez Sánchez Pérez Gómez Ruiz Díaz Moreno "
    "Álvarez Romero Navarro "
    "Torres Domínguez Vázquez Serrano Blanco",
    "pt": "Silva Santos Oliveira Pereira Costa Rodrigues Almeida Carvalho Gonçalves Ribeiro Teixeira Moreira Araújo",
    "nl": "de Jong Jansen de Vries Bakker Visser Smit Meijer Mulder Bos Vos Peters Hendriks Dekker Brouwer",
    "pl": "Nowak Kowalski Wiśniewski Wójcik Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski Kozłowski Mazur",
    "cs": "Novák Svoboda Novotný Dvořák Černý Procházka Kučera Veselý Horák Němec Pokorný Marek",
    "hu": "Nagy Kovács Tóth Szabó Horváth Varga Kiss Molnár Németh Farkas Balogh Papp",
    "ro": "Popescu Ionescu Popa Radu Stan Dumitru Stoica Gheorghe Matei Ciobanu",
    "sv": "Andersson Johansson Karlsson Nilsson Eriksson Larsson Hansen Olsen Berg Lindqvist Sørensen Møller Nyström",
}
TRADES = {
    "de": "Bau Haustechnik Logistik Transporte Spedition Stahl Metallbau Elektrotechnik Verpackung Kunststofftechnik "
    "Maschinenbau Werkzeuge Großhandel Gebäudereinigung Gerüstbau Dachtechnik Fördertechnik Leasing Büroservice Chemie "
    "Energie Personal Entsorgung Hydraulik Lacke Tiefbau Trockenbau Holzhandel",
    "en": "Construction Logistics Haulage Freight Steel Fabrications Electrical Packaging Plastics Engineering Tooling "
    "Wholesale Cleaning Scaffolding Roofing Conveyors Leasing Office Supplies Chemicals Energy Staffing "
    "Waste Hydraulics "
    "Coatings Groundworks Drylining Timber Fasteners",
    "fr": "Bâtiment Transports Logistique Emballages Électricité Métaux Industrie Nettoyage Location Énergie Peinture "
    "Outillage Distribution Travaux Publics Menuiserie",
    "it": "Costruzioni Trasporti Logistica Imballaggi Elettrica Metalli Meccanica Pulizie Noleggi "
    "Energia Vernici Utensili",
    "es": "Construcciones Transportes Logística Embalajes Electricidad Metales Maquinaria Limpiezas Alquileres Energía",
    "pt": "Construções Transportes Logística Embalagens Metais Máquinas Limpezas Energia",
    "nl": "Bouw Transport Logistiek Verpakkingen Techniek Metaal Schoonmaak Verhuur Energie Groothandel Installatie",
    "pl": "Budowa Transport Logistyka Opakowania Instalacje Stal Maszyny Usługi Energia Hurtownia",
    "cs": "Stavby Doprava Logistika Obaly Elektro Kovo Strojírny Servis Energie",
    "hu": "Építő Szállítás Logisztika Csomagolás Villamos Fém Gép Energia",
    "ro": "Construct Transport Logistic Ambalaje Electric Metal Utilaje Energie",
    "sv": "Bygg Transport Logistik Förpackning El Stål Maskin Städ Leasing Energi",
}
TOWNS = {
    "de": "Nord Süd Rhein Hamburg Köln Leipzig Wien Ulm Zürich Bremen Kassel Alpen Hansa Main",
    "en": "Northern Midland Thames Leeds Bristol Dublin Boston Ohio Pacific Severn Highland Avon Lakeside",
    "fr": "Lyon Nord Loire Provence Alsace Lille Atlantique Rhône",
    "it": "Milano Veneta Adriatica Torino Emilia Lombarda",
    "es": "Levante Ibérica Norte Madrid Aragón Sur",
    "pt": "Porto Lisboa Norte Atlântico",
    "nl": "Holland Brabant Rotterdam Utrecht Noord",
    "pl": "Śląsk Polska Wrocław Mazowsze",
    "cs": "Morava Praha Brno Bohemia",
    "hu": "Duna Pannon Budapest",
    "ro": "Carpat Dunărea Ardeal",
    "sv": "Nordic Malmö Göteborg Skåne Oslo",
}
SYLLABLES = (
    "al", "tro", "ven", "dex", "ma", "lo", "ri", "pro", "tec", "nor", "ba", "sil", "ko", "ra", "ta", "ver", "in",
    "ka", "mo", "del", "fi", "xo", "gra", "lu", "ce", "sta", "mi", "no", "qua", "er", "vi", "po", "zen", "ar",
)  # fmt: skip

# What is bought, by kind of supplier: per language "a|b|c". English stands in where a language has no words of its own.
ITEMS: dict[str, dict[str, str]] = {
    "goods": {
        "en": "M8 hex bolts|steel coil DC01|corrugated boxes 400x300|pallets EUR|bearings 6204-2RS|cable "
        "NYM 3x1.5|paint RAL "
        "7016|gaskets|hydraulic hose|granulate PP|shrink film|toner|safety shoes S3|workwear|sealant|aluminium profile",
        "de": "Sechskantschrauben M8|Coil DC01|Faltkartons|Europaletten|Kugellager 6204|Kabel NYM 3x1,5|Lack RAL 7016|"
        "Dichtungen|Hydraulikschlauch|Granulat PP|Stretchfolie|Arbeitsschuhe S3|Zement CEM II|Dämmplatten|Zuschnitte",
        "fr": "vis M8|cartons|palettes|roulements|câble|peinture|joints|film étirable|ciment|profilés alu",
        "it": "viti M8|scatole|bancali|cuscinetti|cavo|vernice|guarnizioni|film estensibile",
        "es": "tornillos M8|cajas|palés|rodamientos|cable|pintura|juntas|cemento",
        "nl": "bouten M8|dozen|pallets|lagers|kabel|verf|cement",
        "pl": "śruby M8|kartony|palety|łożyska|kabel|farba|cement",
    },
    "freight": {
        "en": "haulage|groupage|FTL|express|container drayage|pallet delivery|air freight|fuel surcharge|"
        "customs clearance",
        "de": "Fracht|Stückgut|Komplettladung|Express|Container-Vorlauf|Maut|Verzollung|Nahverkehr",
        "fr": "transport|messagerie|affrètement|express",
        "es": "porte|grupaje|transporte|exprés",
    },
    "stage": {
        "en": "groundworks|brickwork|first fix electrical|drylining|roofing|scaffold hire|M&E works|"
        "fit-out|steel erection",
        "de": "Erdarbeiten|Rohbau|Elektroinstallation|Trockenbau|Dacharbeiten|Gerüst|Fassade|Estrich|Innenausbau",
        "fr": "gros œuvre|terrassement|plomberie|électricité lot 7|toiture|façade",
        "it": "scavi|muratura|impianto elettrico|copertura",
        "pl": "roboty ziemne|instalacja elektryczna|dach|elewacja",
    },
    "lease": {
        "en": "lease forklift|vehicle lease|rental trailer|copier rental|IT equipment lease|container hire",
        "de": "Leasingrate Kfz|Miete Stapler|Leasing Kopierer|Containermiete|Mietrate",
        "fr": "loyer véhicule|location chariot|location copieur",
    },
    "telecom": {
        "en": "mobile line|SIM data|leased line|broadband|fixed line rental|M2M card",
        "de": "Mobilfunk|Festnetz|Datenkarte|Standleitung|Grundgebühr",
        "fr": "ligne mobile|abonnement fibre|carte SIM",
    },
    "service": {
        "en": "maintenance contract|cleaning|security|rent|software subscription|waste collection|"
        "consulting retainer|canteen",
        "de": "Wartung|Reinigung|Wachdienst|Miete|Lizenz|Entsorgung|Beratung|Kantine|Winterdienst",
        "fr": "maintenance|nettoyage|loyer|gardiennage|abonnement",
        "it": "manutenzione|pulizia|affitto|vigilanza",
        "nl": "onderhoud|schoonmaak|huur|beveiliging",
    },
    "energy": {
        "en": "electricity|gas|water|district heating",
        "de": "Strom Abschlag|Gas|Wasser|Fernwärme",
        "fr": "électricité|gaz|eau",
    },
    "staff": {
        "en": "agency hours|temp labour|driver hours|overtime fitters",
        "de": "Zeitarbeit|Montagestunden|Leihpersonal|Fahrerstunden",
        "fr": "intérim|heures monteur",
    },
    "insurance": {
        "en": "fleet policy|property cover|liability premium|cargo cover",
        "de": "Kfz-Versicherung|Haftpflicht|Transportversicherung",
        "fr": "assurance flotte|responsabilité civile",
    },
}
