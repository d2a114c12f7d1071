"""Thomas Lefèvre, graphic designer in Nantes: clients who pay late, URSSAF, VAT, dollars."""

from harena_demo.book import Book, Holding, Place
from harena_demo.calendar import BankMonth, working_day
from harena_demo.cases import difficult_cases
from harena_demo.model import DemoUser
from harena_demo.streams import Bill, Habit, keep_level, pay, spend
from harena_ledger.categories import (
    BANK_FEES,
    CASH,
    CLOTHES,
    ENERGY,
    FOOD,
    HEALTH,
    HOME,
    INSURANCE,
    LEISURE,
    ONLINE_SHOPPING,
    OTHER_PAYMENTS,
    OTHERS,
    RENT,
    RESTAURANTS,
    SERVICES,
    STREAMING,
    SUBSCRIPTIONS,
    TAXES,
    TELECOMS,
    TRANSPORT,
)
from harena_ledger.model import AccountType

USER = DemoUser(
    email="thomas.lefevre@example.com",
    password="Thomas123456",  # noqa: S106 -- documented
    first_name="Thomas",
    last_name="Lefèvre",
    description="Indépendant : revenus irréguliers, URSSAF, TVA, compte professionnel, dollars",
    budget_settings={"months_analysis": 24},
)

CLIENTS = (
    "STUDIO KLEIN",
    "MAISON BELLANGER SAS",
    "OUEST MEDIAS",
    "VILLE DE NANTES",
    "ATELIER GAUMOND",
    "AGENCE PIXELLE",
)
PRO_BILLS = (
    Bill(Place("OVH SAS", "OVH", SERVICES), 8, 24, yearly=0.05),
    Bill(Place("ADOBE SYSTEMS", "Adobe", SUBSCRIPTIONS), 12, 62, yearly=0.04),
    Bill(Place("LA CORDEE COWORKING", "La Cordée", SERVICES), 5, 190),
    Bill(Place("HISCOX ASSURANCE PRO", "Hiscox", INSURANCE), 14, 118, (1, 4, 7, 10), yearly=0.04),
    Bill(Place("DGFIP CFE", "DGFIP", TAXES), 15, 421, (12,)),
)
OWN_BILLS = (
    Bill(Place("CITYA NANTES LOYER", "Citya", RENT), 5, 815, yearly=0.018),
    Bill(Place("ENGIE", "Engie", ENERGY), 10, 68, yearly=0.05),
    Bill(Place("SOSH", "Sosh", TELECOMS), 9, 16),
    Bill(Place("BOUYGUES TELECOM", "Bouygues Telecom", TELECOMS), 17, 29),
    Bill(Place("ALAN", "Alan", INSURANCE), 4, 67, yearly=0.06),
    Bill(Place("DEEZER", "Deezer", STREAMING), 20, 12, yearly=0.04),
    Bill(Place("DGFIP ACOMPTE IMPOT", "DGFIP", TAXES), 15, 212, yearly=0.03),
    Bill(Place("SEMITAN", "Semitan", TRANSPORT), 3, 71),
    Bill(Place("LE MONDE", "Le Monde", SUBSCRIPTIONS), 23, 120, (3,)),
)
CARD_HABITS = (
    Habit("trains", (Place("SNCF CONNECT", "SNCF", TRANSPORT),), 3, 28, 142, {8: 0.3}),
    Habit("lunches", (Place("LE LIEU UNIQUE", "Le Lieu Unique", RESTAURANTS),), 4, 14, 46),
    Habit(
        "equipment",
        (
            Place("LDLC PRO", "LDLC", OTHER_PAYMENTS),
            Place("BUREAU VALLEE", "Bureau Vallée", OTHERS),
        ),
        1.2, 18, 390,
    ),
)  # fmt: skip
HABITS = (
    Habit(
        "groceries",
        (
            Place("BIOCOOP HARMONIE", "Biocoop", FOOD),
            Place("MONOPRIX NANTES", "Monoprix", FOOD),
            Place("SUPER U BEAUJOIRE", "Super U", FOOD),
        ),
        8, 11, 68,
    ),
    Habit(
        "restaurants",
        (
            Place("LA CIGALE", "La Cigale", RESTAURANTS),
            Place("LES BIEN AIMES", "Les Bien-Aimés", RESTAURANTS),
            Place("DELIVEROO", "Deliveroo", RESTAURANTS),
        ),
        6, 11, 58, {7: 1.3, 12: 1.4},
    ),
    Habit(
        "shops",
        (
            Place("AMAZON EU SARL", "Amazon", ONLINE_SHOPPING),
            Place("UNIQLO NANTES", "Uniqlo", CLOTHES),
            Place("CASTORAMA", "Castorama", HOME),
        ),
        2, 14, 110, {11: 1.5},
    ),
    Habit("climbing", (Place("BLOCK OUT NANTES", "Block'Out", LEISURE),), 3, 12, 16, {8: 0.3}),
    Habit("pharmacy", (Place("PHARMACIE GRASLIN", "Pharmacie Graslin", HEALTH),), 0.8, 4, 34),
)  # fmt: skip
HOLIDAY = Habit(
    "holiday",
    (
        Place("GITE DE BELLE ILE", "Gîte de Belle-Île", LEISURE),
        Place("COMPAGNIE OCEANE", "Compagnie Océane", TRANSPORT),
        Place("CREPERIE DU PORT", "Crêperie du Port", RESTAURANTS),
    ),
    8, 13, 118,
)  # fmt: skip
GIFTS = Habit("gifts", (Place("LIBRAIRIE COIFFARD", "Librairie Coiffard", OTHERS),), 4, 9, 48)
NEW_YORK = (
    Place("BLUE BOTTLE COFFEE NY", "Blue Bottle Coffee", RESTAURANTS),
    Place("MTA NYCT PAYGO", "MTA", TRANSPORT),
    Place("MOMA DESIGN STORE", "MoMA", LEISURE),
)
URSSAF = Place("URSSAF PAYS DE LA LOIRE", "Urssaf", TAXES)
VAT = Place("DGFIP TVA", "DGFIP", TAXES)
GMF = Place("GMF VIE", "GMF", INSURANCE)

VAT_RATE = 0.2
SOCIAL_RATE = 0.246
"""Of a liberal profession's turnover under the micro-social scheme, in 2025."""


def write(book: Book, first: BankMonth, last: BankMonth) -> None:
    """All his lines of these months."""
    pro = book.open(Holding("pro", "Qonto", AccountType.checking, "Compte pro Lefèvre", 1_021_450))
    own = book.open(
        Holding(
            "own", "BNP Paribas", AccountType.checking, "Compte chèques", 182_300,
            card_label="FACTURE CARTE DU {day:%d%m%y} {name} CARTE 4974XXXXXXXX1234",
        )
    )  # fmt: skip
    card = book.open(Holding("card", "Qonto", AccountType.card, "Carte Plus différée"))
    livret = book.open(Holding("ldds", "BNP Paribas", AccountType.savings, "LDDS", 340_000))
    dollars = book.open(
        Holding("usd", "Wise", AccountType.checking, "Compte USD", 182_000, currency="USD")
    )
    turnover: dict[BankMonth, int] = {}
    for month in first.to(last):
        keep_level(book, month, own, livret, day=17, level=1900, slack=80)
        turnover[month] = _incomes(book, month, pro, dollars)
        _charges(book, month, pro, turnover)
        _pay_himself(book, month, pro, own)
        pay(book, month, pro, PRO_BILLS)
        pay(book, month, own, OWN_BILLS)
        spend(book, month, card, CARD_HABITS, cutoff=31)
        spend(book, month, own, HABITS)
        _occasions(book, month, own, dollars)
        before = month.shifted(-1)
        book.settle(
            card, pro, before.day(1), before.last, working_day(month.day(5)),
            f"RELEVE CARTE {before.last:%m/%Y}", shows_credit=False,
        )  # fmt: skip
        difficult_cases(
            book, month, own, pro,
            friends=("M ANTOINE GARNIER", "MME CAMILLE ROUSSEL"), employer="OUEST MEDIAS",
            insurer=GMF,
        )  # fmt: skip


def _incomes(book: Book, month: BankMonth, pro: Holding, dollars: Holding) -> int:
    """What clients paid, VAT included, in cents."""
    random = book.random("clients", month)
    quiet = {8: 0.4, 1: 0.7}.get(month.month, 1.0)
    invoices = int(random.choice((1, 2, 2, 3, 3, 4)) * quiet + 0.5)
    total = 0
    for _ in range(invoices):
        on = month.day(random.randrange(1, 29))
        # Whole days at 380 euros and some, VAT added.
        cents = round(
            (random.randrange(2, 9) * 380_00 + random.randrange(117, 9_900)) * (1 + VAT_RATE)
        )
        cents -= cents % 10 - 7
        number = random.randrange(1, 60)
        book.transfer(
            "client", pro, on, f"{random.choice(CLIENTS)} FACT {month.year}-{number:03}", cents
        )
        total += cents
    if month.month % 4 == 2:
        book.transfer(
            "client usd", dollars, month.day(19), "BRIGHTLINE LLC INVOICE",
            random.randrange(300_00, 900_00), story="foreign_account",
        )  # fmt: skip
    return total


def _charges(book: Book, month: BankMonth, pro: Holding, turnover: dict[BankMonth, int]) -> None:
    """URSSAF each month on the month before; VAT each quarter on the quarter before."""

    def earned(months: range) -> float:
        return sum(turnover.get(month.shifted(-n), 0) for n in months) / (1 + VAT_RATE)

    social = round(earned(range(1, 2)) * SOCIAL_RATE)
    if social:
        book.direct_debit("urssaf", pro, month.day(28), URSSAF, social)
    if month.month in (1, 4, 7, 10):
        # A tenth of it or so was paid on purchases.
        due = round(earned(range(1, 4)) * VAT_RATE * 0.9)
        if due:
            book.direct_debit("vat", pro, month.day(21), VAT, due, story="quarterly_bill")


def _pay_himself(book: Book, month: BankMonth, pro: Holding, own: Holding) -> None:
    """Less when the business has little; what it has too much of goes out at Christmas."""
    cents = 2_350_00 if pro.level > 8_500_00 else 1_300_00 if pro.level > 6_000_00 else 700_00
    book.move("wage", pro, own, month.day(2), cents, "REMUNERATION", arrives_after=1)
    if pro.level > 12_500_00:
        extra = (pro.level - 11_000_00) // 10_000 * 10_000
        book.move(
            "extra", pro, own, month.day(12), extra, "REMUNERATION EXCEPTIONNELLE", arrives_after=1
        )


def _occasions(book: Book, month: BankMonth, own: Holding, dollars: Holding) -> None:
    random = book.random("occasions", month)
    if random.random() < 0.7:
        at = month.day(random.randrange(2, 27))
        book.write(
            "cash", own, at, -random.choice((3000, 5000, 8000)), f"RETRAIT DAB {at:%d/%m} NANTES",
            CASH, clean="Retrait", operation="withdrawal", patchy=True,
        )  # fmt: skip
    if month.month == 1:
        book.write(
            "card fee", own, working_day(month.day(8)), -4_890, "COTISATION CARTE VISA", BANK_FEES,
            clean="Cotisation carte", story="yearly_bill",
        )  # fmt: skip
    if month.month == 7:
        spend(book, month, own, (HOLIDAY,), story="holiday")
    if month.month == 12:
        spend(book, month, own, (GIFTS,), story="christmas")
    if month.month == 10:
        for rank, place in enumerate(NEW_YORK * 3):
            book.card(
                "new york", own, month.day(14 + rank // 2), place, random.randrange(290, 6400),
                currency="USD", story="foreign_currency",
            )  # fmt: skip
    book.card(
        "figma", dollars, month.day(25), Place("FIGMA INC", "Figma", SUBSCRIPTIONS), 1500,
        story="foreign_account",
    )  # fmt: skip
