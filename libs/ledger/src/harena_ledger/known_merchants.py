"""Merchants known by name: how they are shown, and their category where the bank gives none.

A phrase is what a label says once its noise is stripped, folded. It matches whole words at the
beginning of that text, the longest phrase first: "TOTAL ENERGIES" is not "total", "BOULANGERIE DU
CARREFOUR" is not Carrefour, "CADEAU" is not "eau".
"""

from typing import NamedTuple

from harena_ledger import categories as c


class KnownMerchant(NamedTuple):
    name: str
    category_id: int
    phrases: tuple[str, ...]
    also_a_word: bool = False
    """The name is also a first name, a surname or a common word: in a transfer it is a person."""


KNOWN_MERCHANTS: tuple[KnownMerchant, ...] = (
    # Food
    KnownMerchant("Carrefour", c.FOOD, ("carrefour",)),
    KnownMerchant("E.Leclerc", c.FOOD, ("e leclerc", "leclerc"), also_a_word=True),
    KnownMerchant("Auchan", c.FOOD, ("auchan",)),
    KnownMerchant("Intermarché", c.FOOD, ("intermarche",)),
    KnownMerchant("Lidl", c.FOOD, ("lidl",)),
    KnownMerchant("Aldi", c.FOOD, ("aldi",)),
    KnownMerchant("Monoprix", c.FOOD, ("monoprix", "monop")),
    KnownMerchant("Franprix", c.FOOD, ("franprix",)),
    KnownMerchant("Casino", c.FOOD, ("casino", "geant casino", "petit casino"), also_a_word=True),
    KnownMerchant("Super U", c.FOOD, ("super u", "hyper u", "systeme u", "u express")),
    KnownMerchant("Picard", c.FOOD, ("picard surgeles", "picard"), also_a_word=True),
    KnownMerchant("Biocoop", c.FOOD, ("biocoop",)),
    KnownMerchant("Naturalia", c.FOOD, ("naturalia",)),
    KnownMerchant("Grand Frais", c.FOOD, ("grand frais",)),
    KnownMerchant("HelloFresh", c.FOOD, ("hellofresh", "hello fresh")),
    # Restaurants
    KnownMerchant(
        "McDonald's",
        c.RESTAURANTS,
        ("mcdonald's", "mc donald's", "mc donald s", "mcdonalds", "mcdo"),
    ),
    KnownMerchant("Burger King", c.RESTAURANTS, ("burger king",)),
    KnownMerchant("KFC", c.RESTAURANTS, ("kfc",)),
    KnownMerchant("Quick", c.RESTAURANTS, ("quick",), also_a_word=True),
    KnownMerchant("Starbucks", c.RESTAURANTS, ("starbucks",)),
    KnownMerchant("Paul", c.RESTAURANTS, ("paul",), also_a_word=True),
    KnownMerchant("Brioche Dorée", c.RESTAURANTS, ("brioche doree",)),
    KnownMerchant("Uber Eats", c.RESTAURANTS, ("uber eats", "ubereats")),
    KnownMerchant("Deliveroo", c.RESTAURANTS, ("deliveroo",)),
    # Transport, fuel, garage
    KnownMerchant("Uber", c.TRANSPORT, ("uber",)),
    KnownMerchant("Bolt", c.TRANSPORT, ("bolt",), also_a_word=True),
    KnownMerchant("BlaBlaCar", c.TRANSPORT, ("blablacar",)),
    KnownMerchant("SNCF", c.TRANSPORT, ("sncf", "oui sncf", "ouigo", "trainline")),
    KnownMerchant("RATP", c.TRANSPORT, ("ratp",)),
    KnownMerchant("Navigo", c.TRANSPORT, ("navigo", "idfm", "ile de france mobilites")),
    KnownMerchant("TCL", c.TRANSPORT, ("tcl",)),
    KnownMerchant("Vélib'", c.TRANSPORT, ("velib",)),
    KnownMerchant("Air France", c.TRANSPORT, ("air france",)),
    KnownMerchant("easyJet", c.TRANSPORT, ("easyjet",)),
    KnownMerchant("VINCI Autoroutes", c.TRANSPORT, ("vinci autoroutes", "cofiroute", "asf")),
    KnownMerchant("APRR", c.TRANSPORT, ("aprr",)),
    KnownMerchant("Ulys", c.TRANSPORT, ("ulys",)),
    KnownMerchant("Total", c.FUEL, ("total", "relais total", "station total"), also_a_word=True),
    KnownMerchant("Esso", c.FUEL, ("esso",)),
    KnownMerchant("Shell", c.FUEL, ("shell",)),
    KnownMerchant("BP", c.FUEL, ("bp",), also_a_word=True),
    KnownMerchant("Avia", c.FUEL, ("avia",)),
    KnownMerchant("Norauto", c.GARAGE, ("norauto",)),
    KnownMerchant("Feu Vert", c.GARAGE, ("feu vert",)),
    KnownMerchant("Speedy", c.GARAGE, ("speedy",)),
    # Home, energy
    KnownMerchant("EDF", c.ENERGY, ("edf",)),
    KnownMerchant("Engie", c.ENERGY, ("engie",)),
    KnownMerchant("TotalEnergies", c.ENERGY, ("totalenergies", "total energies")),
    KnownMerchant("Enedis", c.ENERGY, ("enedis",)),
    KnownMerchant("Veolia", c.ENERGY, ("veolia",)),
    KnownMerchant("Suez", c.ENERGY, ("suez",)),
    KnownMerchant("SAUR", c.ENERGY, ("saur",)),
    KnownMerchant("Eau de Paris", c.ENERGY, ("eau de paris",)),
    KnownMerchant("IKEA", c.HOME, ("ikea",)),
    KnownMerchant("Leroy Merlin", c.HOME, ("leroy merlin",)),
    KnownMerchant("Castorama", c.HOME, ("castorama",)),
    KnownMerchant("Brico Dépôt", c.HOME, ("brico depot",)),
    KnownMerchant("Conforama", c.HOME, ("conforama",)),
    KnownMerchant("Darty", c.HOME, ("darty",)),
    KnownMerchant("Boulanger", c.HOME, ("boulanger",), also_a_word=True),
    KnownMerchant("BUT", c.HOME, ("but",), also_a_word=True),
    KnownMerchant("Action", c.HOME, ("action",), also_a_word=True),
    KnownMerchant("Foncia", c.RENT, ("foncia",)),
    KnownMerchant("Citya", c.RENT, ("citya",)),
    KnownMerchant("Nexity", c.RENT, ("nexity",)),
    KnownMerchant("CROUS", c.RENT, ("crous logement", "crous residence")),
    # Telephone and internet
    KnownMerchant("Orange", c.TELECOMS, ("orange",), also_a_word=True),
    KnownMerchant("Sosh", c.TELECOMS, ("sosh",)),
    KnownMerchant("SFR", c.TELECOMS, ("sfr",)),
    KnownMerchant("RED by SFR", c.TELECOMS, ("red by sfr",)),
    KnownMerchant("Bouygues Telecom", c.TELECOMS, ("bouygues telecom", "b you")),
    KnownMerchant("Free Mobile", c.TELECOMS, ("free mobile",)),
    KnownMerchant("Free", c.TELECOMS, ("free telecom", "free"), also_a_word=True),
    # Subscriptions
    KnownMerchant("Netflix", c.STREAMING, ("netflix",)),
    KnownMerchant("Spotify", c.STREAMING, ("spotify",)),
    KnownMerchant("Deezer", c.STREAMING, ("deezer",)),
    KnownMerchant("Disney+", c.STREAMING, ("disney plus", "disneyplus")),
    KnownMerchant("Canal+", c.STREAMING, ("canal",), also_a_word=True),
    KnownMerchant("Prime Video", c.STREAMING, ("prime video",)),
    KnownMerchant("YouTube Premium", c.STREAMING, ("google youtube", "youtube")),
    KnownMerchant("Amazon Prime", c.SUBSCRIPTIONS, ("amazon prime", "amzn prime")),
    KnownMerchant("Apple", c.SUBSCRIPTIONS, ("apple com bill", "itunes com bill")),
    KnownMerchant("Basic-Fit", c.SUBSCRIPTIONS, ("basic fit",)),
    KnownMerchant("Le Monde", c.SUBSCRIPTIONS, ("le monde",)),
    # Shopping
    KnownMerchant("Amazon", c.ONLINE_SHOPPING, ("amazon", "amzn")),
    KnownMerchant("Cdiscount", c.ONLINE_SHOPPING, ("cdiscount",)),
    KnownMerchant("Vinted", c.ONLINE_SHOPPING, ("vinted",)),
    KnownMerchant("AliExpress", c.ONLINE_SHOPPING, ("aliexpress",)),
    KnownMerchant("eBay", c.ONLINE_SHOPPING, ("ebay",)),
    KnownMerchant("La Redoute", c.CLOTHES, ("la redoute",)),
    KnownMerchant("Zalando", c.CLOTHES, ("zalando",)),
    KnownMerchant("Zara", c.CLOTHES, ("zara",), also_a_word=True),
    KnownMerchant("H&M", c.CLOTHES, ("h m", "h et m")),
    KnownMerchant("Kiabi", c.CLOTHES, ("kiabi",)),
    KnownMerchant("Uniqlo", c.CLOTHES, ("uniqlo",)),
    KnownMerchant("Decathlon", c.LEISURE, ("decathlon",)),
    KnownMerchant("Fnac", c.LEISURE, ("fnac",)),
    KnownMerchant("UGC", c.LEISURE, ("ugc",)),
    KnownMerchant("Pathé", c.LEISURE, ("cinema pathe", "cinemas pathe", "pathe")),
    KnownMerchant("Airbnb", c.LEISURE, ("airbnb",)),
    KnownMerchant("Booking.com", c.LEISURE, ("booking com", "booking")),
    KnownMerchant("FDJ", c.LOTTERY, ("fdj", "francaise des jeux")),
    KnownMerchant("Winamax", c.SPORTS_BETTING, ("winamax",)),
    KnownMerchant("Betclic", c.SPORTS_BETTING, ("betclic",)),
    # Insurance and health
    KnownMerchant("MAIF", c.INSURANCE, ("maif",)),
    KnownMerchant("MACIF", c.INSURANCE, ("macif",)),
    KnownMerchant("MAAF", c.INSURANCE, ("maaf",)),
    KnownMerchant("MATMUT", c.INSURANCE, ("matmut",)),
    KnownMerchant("AXA", c.INSURANCE, ("axa",)),
    KnownMerchant("Allianz", c.INSURANCE, ("allianz",)),
    KnownMerchant("GMF", c.INSURANCE, ("gmf",)),
    KnownMerchant("Groupama", c.INSURANCE, ("groupama",)),
    KnownMerchant("Alan", c.INSURANCE, ("alan",), also_a_word=True),
    KnownMerchant("Harmonie Mutuelle", c.INSURANCE, ("harmonie mutuelle",)),
    KnownMerchant("MGEN", c.INSURANCE, ("mgen",)),
    KnownMerchant("Doctolib", c.HEALTH, ("doctolib",)),
    KnownMerchant("CPAM", c.REFUNDS, ("cpam", "c p a m", "ameli")),
    # The state
    KnownMerchant("CAF", c.FAMILY_ALLOWANCE, ("caf",)),
    KnownMerchant("France Travail", c.AID, ("france travail", "pole emploi")),
    KnownMerchant("DGFiP", c.TAXES, ("dgfip", "d g f i p", "direction generale des finances")),
    KnownMerchant("URSSAF", c.TAXES, ("urssaf",)),
    KnownMerchant("ANTAI", c.FINES, ("antai", "amende gouv")),
    # Services
    KnownMerchant("La Poste", c.SERVICES, ("la poste",)),
)
