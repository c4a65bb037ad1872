# ruff: noqa: E501  (tables of words read better unwrapped)
"""Words of public bodies and service firms: people, places, trades and what a bill is for, in seven languages."""

from __future__ import annotations

from functools import lru_cache

LANGUAGES = {
    "GB": "en", "IE": "en", "US": "en", "AU": "en", "CA": "en", "DE": "de", "AT": "de", "CH": "de",
    "FR": "fr", "BE": "fr", "NL": "nl", "ES": "es", "IT": "it", "SE": "sv",
}  # fmt: skip

FIRST = {
    "en": "John|Sarah|David|Emma|Paul|Aisha|Mohammed|Karen|Liam|Grace|Priya|Owen|Nicola|Tom|Siobhan|Chidi|Wei|Rhys",
    "de": "Hans|Petra|Jürgen|Anna|Klaus|Ute|Murat|Sabine|Lukas|Heike|Björn|Katrin",
    "fr": "Jean|Marie|Luc|Chloé|Hervé|Nadia|François|Élodie|Karim|Sylvie",
    "nl": "Jan|Marieke|Pieter|Sanne|Fatima|Joost|Anouk|Henk",
    "es": "José|María|Íñigo|Carmen|Pablo|Lucía|Andrés|Núria",
    "it": "Marco|Giulia|Luca|Chiara|Paolo|Francesca|Nicolò|Elena",
    "sv": "Erik|Anna|Åsa|Lars|Göran|Maja|Per|Linnéa",
}
LAST = {
    "en": "Smith|Jones|Patel|O'Brien|Taylor|Evans|Khan|McDonald|Wright|Harrison|Ali|Walker|Green|Hughes|Begum|Clarke|"
    "Murphy|Fletcher|Okafor|Lowe|Bradshaw|Whitfield|St John|Nguyen|Hargreaves|Pritchard|Singh|Doyle|Lee|Fox",
    "de": "Müller|Schmidt|Weiß|Großmann|Krüger|Yılmaz|Fischer|Vogel|Schäfer|Brandt|Köhler|Lorenz|Böttcher|Jäger",
    "fr": "Martin|Lefèvre|Dubois|Moreau|Benali|Rousseau|D'Amico|Girard|Fournier|Mercier|Lemaître|Roux",
    "nl": "de Vries|Jansen|van den Berg|Bakker|Visser|Smit|El Amrani|Mulder|van Dijk|Postma",
    "es": "García|Fernández|López|Muñoz|Ibáñez|Ortega|Castaño|Ruiz|Peña|Domènech",
    "it": "Rossi|Bianchi|Ferrari|Esposito|Ricci|Marino|De Luca|Galli|Conti|D'Angelo",
    "sv": "Andersson|Öberg|Lindström|Nilsson|Håkansson|Berg|Sjöberg|Åkerlund",
}
PLACES = {
    "en": "Ashford|Milton|Kingsway|Riverside|Oakfield|Northgate|Brookside|St Mary's|Eastleigh|Hill Top|Westbourne|"
    "Fairview|Haven|Castle|Queensbury|Elm Grove|Harbour|Meadow|Stoneleigh|Beacon|Marlow|Lakeside|Thornton|Wharf",
    "de": "Neustadt|Lindenhof|Altdorf|Rheinblick|Süd|Marienplatz|Bergheim|Grünau|Waldweg|Nordhafen",
    "fr": "Saint-Étienne|Bellevue|Les Tilleuls|Vaugirard|Montplaisir|La Forêt|Beaulieu|Centre|Pont-Neuf",
    "nl": "De Linde|Oosterpark|Zuid|Havenkwartier|Heuvelrug|Molenwijk|Centrum",
    "es": "Las Flores|San José|Los Álamos|El Prado|Norte|La Muralla|Santa Ana",
    "it": "San Marco|Borgo|La Quercia|Villa Verde|Centro|Monte Rosa|Porta Nuova",
    "sv": "Björkbacken|Södra|Ängen|Norrgården|Hamnen|Skogslund",
}
FORMS = {
    "GB": "Ltd|Limited|Ltd|Ltd.|LLP|PLC|CIC|(UK) Ltd|& Sons Ltd|||",
    "IE": "Ltd|Limited|DAC|CLG|Teoranta||",
    "US": "Inc|Inc.|LLC|L.L.C.|Corp|Co|PLLC|& Associates||",
    "AU": "Pty Ltd|Pty Limited|Ltd|Inc||",
    "CA": "Inc.|Ltd.|Ltée|Corp||",
    "DE": "GmbH|GmbH & Co. KG|e.K.|AG|GbR|e.V.|gGmbH|mbH|UG (haftungsbeschränkt)|",
    "AT": "GmbH|Ges.m.b.H.|KG|e.U.|Verein|",
    "CH": "AG|GmbH|SA|Genossenschaft||",
    "FR": "SARL|SAS|S.A.S.|SA|EURL|SCI|SASU||",
    "BE": "SRL|SA|BV|NV|ASBL|",
    "NL": "B.V.|BV|V.O.F.|N.V.|Stichting|",
    "ES": "S.L.|SL|S.A.|SLU|S.Coop.|",
    "IT": "S.r.l.|SRL|S.p.A.|S.n.c.|Soc. Coop.|",
    "SE": "AB|HB|Ekonomisk förening|",
}
TRADES = {
    "en": "care:Care|Home Care|Residential Homes|Support Services|Nursing;agency:Recruitment|Staffing|Personnel|Locums|"
    "Supply Teachers|Resourcing;utility:Energy|Water|Gas & Power|Electric;telecom:Telecom|Mobile|Networks|Broadband;"
    "property:Properties|Estates|Lettings|Housing;grant:Community Trust|Youth Project|Arts Forum|Citizens Advice;"
    "works:Builders|Civil Engineering|Roofing|Electrical|Plumbing & Heating|Surfacing|Groundworks;"
    "supplies:Supplies|Stationers|Trading|Wholesale|Office Products;advice:Solicitors|Consulting|Architects|Surveyors|"
    "Accountants|Advisory;subscription:Publishing|Journals|Press|Data;insurance:Insurance|Brokers|Assurance;"
    "it:Systems|Software|IT Solutions|Digital|Cloud;training:Training|Learning|College|Academy;transport:Taxis|Coaches|"
    "Travel|Cars|Couriers;cleaning:Cleaning|Facilities|Hygiene|Waste;food:Catering|Foods|Dairy|Bakery|Butchers;"
    "medical:Medical|Healthcare|Pharma|Surgical|Diagnostics;event:Events|Hotels|Conferences",
    "de": "care:Pflegedienst|Seniorenheim|Jugendhilfe|Lebenshilfe;agency:Personalservice|Zeitarbeit;"
    "utility:Stadtwerke|Energie|Wasserwerk;"
    "telecom:Telekommunikation|Netz;property:Immobilien|Wohnbau|Hausverwaltung;grant:Sportverein|Kulturverein|"
    "Stiftung;works:Bau|Elektrotechnik|Dachdecker|Tiefbau|Malerbetrieb;supplies:Bürobedarf|Großhandel|Handel;"
    "advice:Rechtsanwälte|Ingenieurbüro|Steuerberatung|Architekten;subscription:Verlag|Medien;insurance:Versicherung;"
    "it:Systemhaus|Software|EDV;training:Akademie|Bildungswerk;transport:Taxi|Reisen|Spedition;cleaning:"
    "Gebäudereinigung|Entsorgung;food:Catering|Bäckerei|Metzgerei;medical:Medizintechnik|Sanitätshaus|Labor;"
    "event:Hotel|Veranstaltungen",
    "fr": "care:Aide à Domicile|Maison de Retraite|Crèche;agency:Intérim|Emploi;utility:Énergie|Eaux;"
    "telecom:Télécom|Réseaux;"
    "property:Immobilier|Habitat|Foncière;grant:Association Sportive|Comité des Fêtes;works:Bâtiment|Travaux Publics|"
    "Électricité|Couverture;supplies:Fournitures|Papeterie|Distribution;advice:Avocats|Conseil|Architectes;"
    "subscription:Éditions|Presse;insurance:Assurances;it:Informatique|Logiciels;training:Formation;"
    "transport:Autocars|Taxis|Transports;cleaning:Nettoyage|Propreté;food:Restauration|Boulangerie;"
    "medical:Médical|Pharmacie;event:Hôtel|Événements",
    "nl": "care:Thuiszorg|Zorg;agency:Uitzendbureau;utility:Energie|Waterbedrijf;works:Bouw|Installatie|Loodgieters;"
    "supplies:Kantoor|Groothandel;advice:Advocaten|Advies;it:Automatisering|ICT;cleaning:Schoonmaak;"
    "transport:Taxi|Vervoer;food:Catering|Bakkerij;medical:Medisch;property:Vastgoed|Beheer",
    "es": "care:Residencia|Servicios Sociales;agency:Trabajo Temporal;utility:Energía|Aguas;works:Construcciones|"
    "Obras|Instalaciones;supplies:Suministros|Papelería;advice:Abogados|Consultores;it:Informática;cleaning:Limpiezas;"
    "transport:Autocares|Transportes;food:Comedores;medical:Sanitaria;property:Inmobiliaria",
    "it": "care:Cooperativa Sociale|Casa di Riposo;agency:Lavoro;utility:Energia|Acque;works:Costruzioni|Impianti|Edile;"
    "supplies:Forniture|Cartoleria;advice:Studio Legale|Consulenza;it:Informatica;cleaning:Pulizie;"
    "transport:Trasporti|Autolinee;food:Ristorazione;medical:Medicale;property:Immobiliare",
    "sv": "care:Omsorg|Hemtjänst;agency:Bemanning;utility:Energi|Vatten;works:Bygg|El|Måleri;supplies:Kontor|Grossist;"
    "advice:Advokatbyrå|Konsult;it:Data|IT;cleaning:Städ;transport:Taxi|Buss;food:Mat|Bageri;medical:Medicin;"
    "property:Fastigheter",
}
THINGS = {
    "en": "care:residential care|domiciliary care hrs|respite stay|supported living|nursing placement|day care|1:1 support;"
    "agency:agency staff|temp cover|supply teacher|locum shift|timesheet|band 5 nurse|admin temp;utility:electricity|"
    "gas supply|water charges|street lighting energy|unmetered supply|standing charge;telecom:line rental|mobile tariff|"
    "broadband|SIM only plan|call charges|data line;property:rent|service charge|garage lease|room hire|photocopier lease|"
    "temporary accommodation;grant:grant payment|core funding|small grant|early years funding|bursary|precept;"
    "works:interim valuation|reactive repair|boiler service|pothole repairs|roof works|void property works|retention;"
    "supplies:stationery|paper A4|cleaning materials|PPE|furniture|toner|uniforms;advice:legal fees|professional fees|"
    "counsel's fee|survey|audit work|design stage|monthly retainer;person:foster allowance|direct payment|expenses|"
    "mileage|special guardianship|refund|honorarium|student stipend;subscription:annual subscription|journal renewal|"
    "database licence|membership;insurance:policy premium|fleet cover|excess;it:licence|support & maintenance|hosting|"
    "laptops|project days|SMS credits;training:course fee|first aid course|apprenticeship levy|tuition|exam entry;"
    "transport:school run|taxi account|route contract|coach hire|courier|patient transport;cleaning:contract cleaning|"
    "window cleaning|skip hire|clinical waste|grounds maintenance;food:school meals|milk|provisions|buffet|meat;"
    "medical:consumables|implants|drugs|pathology tests|equipment hire|oxygen;event:conference|hotel|venue hire",
    "de": "care:Pflegeleistung|Heimunterbringung|Tagespflege|Jugendhilfe;agency:Zeitarbeit|Aushilfe|Stundennachweis;"
    "utility:Strom|Gas|Wasser|Abschlag;telecom:Grundgebühr|Mobilfunk|Anschluss;property:Miete|Nebenkosten|Leasing Kopierer;"
    "grant:Zuschuss|Fördermittel|Vereinsbeitrag;works:Abschlagsrechnung|Reparatur|Wartung|Malerarbeiten;supplies:Büromaterial|"
    "Papier|Reinigungsmittel|Möbel;advice:Honorar|Gutachten|Planungsleistung;person:Pflegegeld|Reisekosten|Auslagen|"
    "Aufwandsentschädigung;subscription:Abonnement|Jahresbeitrag;insurance:Versicherungsbeitrag;it:Lizenz|Wartungsvertrag|"
    "Hosting;training:Seminar|Fortbildung;transport:Schülerbeförderung|Krankenfahrt;cleaning:Unterhaltsreinigung|"
    "Abfallentsorgung;food:Verpflegung|Schulessen;medical:Verbrauchsmaterial|Medikamente|Laborleistung;event:Tagung|Hotel",
    "fr": "care:hébergement|aide à domicile|accueil de jour;agency:mission intérim|relevé d'heures;utility:électricité|gaz|"
    "eau;telecom:abonnement ligne|forfait mobile;property:loyer|charges locatives|location copieur;grant:subvention|"
    "aide aux associations;works:situation de travaux|réparation|entretien chaudière;supplies:fournitures|papier|mobilier;"
    "advice:honoraires|étude|conseil;person:indemnité|frais de déplacement|allocation;subscription:abonnement annuel|"
    "adhésion;insurance:prime assurance;it:licence|maintenance logiciel|hébergement web;training:formation|stage;"
    "transport:transport scolaire|taxi;cleaning:nettoyage locaux|déchets;food:repas cantine|traiteur;"
    "medical:consommables|médicaments|analyses;event:séminaire|hôtel",
    "nl": "care:thuiszorg|dagbesteding;agency:uitzendkracht|urenstaat;utility:elektra|gas|water;property:huur|servicekosten;"
    "grant:subsidie;works:reparatie|onderhoud|termijn;supplies:kantoorartikelen|papier;advice:honorarium|advies;"
    "person:vergoeding|reiskosten;it:licentie|onderhoud;cleaning:schoonmaak;transport:leerlingenvervoer;food:maaltijden",
    "es": "care:plaza residencial|ayuda a domicilio;agency:personal temporal;utility:luz|agua|gas;property:alquiler|renting;"
    "grant:subvención;works:certificación de obra|reparación;supplies:material de oficina|papel;advice:honorarios|informe;"
    "person:dietas|ayuda;it:licencia|mantenimiento;cleaning:limpieza;transport:transporte escolar;food:menús",
    "it": "care:retta|assistenza domiciliare;agency:somministrazione;utility:energia elettrica|acqua|gas;property:canone|affitto;"
    "grant:contributo;works:stato avanzamento lavori|riparazione;supplies:cancelleria|carta;advice:parcella|consulenza;"
    "person:rimborso spese|assegno;it:licenza|manutenzione;cleaning:pulizie;transport:trasporto alunni;food:pasti",
    "sv": "care:hemtjänst|boende;agency:inhyrd personal|tidrapport;utility:el|vatten|fjärrvärme;property:hyra|leasing;"
    "grant:bidrag;works:reparation|entreprenad;supplies:kontorsmaterial|papper;advice:arvode|konsulttimmar;"
    "person:ersättning|utlägg;it:licens|support;cleaning:städning;transport:skolskjuts;food:skolmat",
}
AREAS = {
    "en": "Adult Social Care|Children's Services|Highways|Housing|Corporate|Estates|Libraries|Ward 7|Theatres|Chemistry|"
    "Student Services|Finance & ICT|Parks|Environment|Registry|Schools|Public Health|Research Office",
    "de": "Sozialamt|Bauhof|Schulamt|Kämmerei|Station 3|Dekanat|Jugendamt|Stadtbücherei|Verwaltung",
    "fr": "Voirie|Écoles|Services Généraux|Action Sociale|Culture|Bloc opératoire",
    "nl": "Sociaal Domein|Openbare Werken|Onderwijs|Facilitair",
    "es": "Servicios Sociales|Obras|Educación|Urbanismo",
    "it": "Servizi Sociali|Lavori Pubblici|Istruzione|Ragioneria",
    "sv": "Socialtjänst|Skola|Gata och park|Kansli",
}
DEFAULT_THINGS = {"en": "services", "de": "Leistung", "fr": "prestation", "nl": "dienst", "es": "servicios",
                  "it": "servizi", "sv": "tjänst"}  # fmt: skip
REDACTED = "REDACTED PERSONAL DATA|Redacted|REDACTED|Name withheld|xxxxx|*****|Personal Data - Redacted|Individual|N/A"


@lru_cache(maxsize=1024)
def listed(text: str) -> tuple[str, ...]:
    """The words of a list written with bars."""
    return tuple(text.split("|"))


@lru_cache(maxsize=1024)
def by_kind(text: str, kind: str) -> tuple[str, ...]:
    """The words of one kind in a list "kind:word|word;kind:word"; empty where the kind has none."""
    for entry in text.split(";"):
        name, _, words = entry.partition(":")
        if name == kind:
            return listed(words)
    return ()


def things(language: str, kind: str) -> tuple[str, ...]:
    """What a supplier of this kind bills for."""
    return by_kind(THINGS[language], kind) or listed(DEFAULT_THINGS[language])


def trades(language: str, kind: str) -> tuple[str, ...]:
    """What a firm of this kind calls its trade."""
    return by_kind(TRADES[language], kind) or listed("Service|Group|Partner")
