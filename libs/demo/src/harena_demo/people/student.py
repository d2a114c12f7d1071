"""Léa Bernard, student in Toulouse: small payments, and a bank that had to be connected again."""

from datetime import date, timedelta

from harena_demo.book import Book, Holding, Place
from harena_demo.calendar import BankMonth, working_day
from harena_demo.cases import difficult_cases
from harena_demo.model import DemoUser
from harena_demo.streams import Bill, Habit, pay, spend
from harena_ledger.categories import (
    AID,
    CASH,
    CLOTHES,
    ENERGY,
    FAMILY_ALLOWANCE,
    FOOD,
    HEALTH,
    INSURANCE,
    LEISURE,
    ONLINE_SHOPPING,
    OTHERS,
    RENT,
    RESTAURANTS,
    SALARY,
    SCHOOL,
    STREAMING,
    SUBSCRIPTIONS,
    TELECOMS,
    TRANSPORT,
)
from harena_ledger.model import AccountType

USER = DemoUser(
    email="lea.bernard@example.com",
    password="Lea12345678",  # noqa: S106 -- documented
    first_name="Léa",
    last_name="Bernard",
    description="Étudiante : petits montants, APL, parents ; une banque connectée deux fois",
    budget_settings={"months_analysis": 6},
)

LAST_READ = date(2025, 1, 17)
"""The first connection to her bank broke that day; the second began the next."""
REACHES_BACK = timedelta(days=90)

BILLS = (
    Bill(Place("FREE MOBILE", "Free Mobile", TELECOMS), 6, 10, yearly=0),
    Bill(Place("TISSEO ABONNEMENT", "Tisséo", TRANSPORT), 4, 12.5),
    Bill(Place("SPOTIFY AB", "Spotify", STREAMING), 14, 6, yearly=0.04),
    Bill(Place("LMDE MUTUELLE", "LMDE", INSURANCE), 10, 23, yearly=0.04),
    Bill(Place("ENGIE", "Engie", ENERGY), 19, 54, (1, 3, 5, 7, 9, 11), varies=0.25),
    Bill(Place("UNIVERSITE TOULOUSE DROITS", "Université de Toulouse", SCHOOL), 16, 273, (9,)),
    Bill(Place("ADOBE", "Adobe", SUBSCRIPTIONS), 21, 61, (2, 5, 8, 11)),
)
IN_TERM = {7: 0.2, 8: 0.1, 12: 0.7}
HABITS = (
    Habit("canteen", (Place("CROUS RESTO U", "Crous", RESTAURANTS),), 11, 3.3, 3.4, IN_TERM),
    Habit(
        "groceries",
        (
            Place("CARREFOUR CITY", "Carrefour City", FOOD),
            Place("LIDL 0877", "Lidl", FOOD),
            Place("MONOPRIX TOULOUSE", "Monoprix", FOOD),
        ),
        8, 4, 31, {8: 0.5},
    ),
    Habit(
        "restaurants",
        (
            Place("UBER EATS", "Uber Eats", RESTAURANTS),
            Place("OTACOS", "O'Tacos", RESTAURANTS),
            Place("LE PETIT VASCO", "Le Petit Vasco", RESTAURANTS),
            Place("BAR LE SAINT DES SEINS", "Le Saint des Seins", RESTAURANTS),
        ),
        7, 6, 27, {9: 1.4, 12: 1.3},
    ),
    Habit(
        "clothes",
        (Place("VINTED", "Vinted", ONLINE_SHOPPING), Place("ZARA FRANCE", "Zara", CLOTHES)),
        1.5, 7, 48,
    ),
    Habit("cinema", (Place("UGC MONTAUDRAN", "UGC", LEISURE),), 0.8, 5, 13),
    Habit("pharmacy", (Place("PHARMACIE CAPITOLE", "Pharmacie du Capitole", HEALTH),), 0.5, 4, 22),
    Habit("scooters", (Place("LIME RIDE", "Lime", TRANSPORT),), 1.5, 2.5, 9),
)  # fmt: skip
HOLIDAY = Habit(
    "holiday",
    (
        Place("FLIXBUS", "Flixbus", TRANSPORT),
        Place("AUBERGE SAN SEBASTIAN", "Auberge San Sebastian", LEISURE),
        Place("BAR TXEPETXA", "Bar Txepetxa", RESTAURANTS),
    ),
    7, 6, 44,
)  # fmt: skip
GIFTS = Habit("gifts", (Place("CULTURA", "Cultura", OTHERS),), 3, 9, 32)
STEAM = Place("STEAM PURCHASE SEATTLE", "Steam", LEISURE)
AVA = Place("AVA ASSURANCES", "Ava", INSURANCE)


def write(book: Book, first: BankMonth, last: BankMonth) -> None:
    """All her lines of these months."""
    old, new = "Société Générale (1)", "Société Générale (2)"
    book.bank(
        old, status=1010, info="needs_human_action",
        description="Vous devez vous reconnecter à votre banque.",
    )  # fmt: skip
    checking = book.open(
        Holding(
            "checking", old, AccountType.checking, "Compte étudiant", 41_230,
            card_label="CARTE X4821 {day:%d/%m} {name}",
        ),
        until=LAST_READ,
    )  # fmt: skip
    livret = book.open(
        Holding("livret", "La Banque Postale", AccountType.savings, "Livret Jeune", 83_000)
    )
    book.connect_again(
        checking, new, made_on=LAST_READ + timedelta(days=1), since=LAST_READ - REACHES_BACK
    )
    for month in first.to(last):
        _balance(book, month, checking, livret)
        _incomes(book, month, checking)
        book.transfer(
            "rent", checking, month.day(3), "M DUPUIS LOYER STUDIO",
            -round(42_500 * month.step(0.015)),
            category=RENT, story="subscription",
        )  # fmt: skip
        pay(book, month, checking, BILLS)
        spend(book, month, checking, HABITS)
        _occasions(book, month, checking)
        difficult_cases(
            book, month, checking, livret,
            friends=("MME INES FABRE", "M HUGO LEROUX"), employer="ACADOMIA", insurer=AVA,
        )  # fmt: skip
        if month.month == 12:
            book.write(
                "interest", livret, month.last, livret.level * 3 // 100, "INTERETS CREDITEURS",
                OTHERS, clean="Intérêts", operation="interest",
            )  # fmt: skip


def _balance(book: Book, month: BankMonth, checking: Holding, livret: Holding) -> None:
    """Too much goes to the livret; too little and the livret helps, then the parents."""
    tens = (checking.level - 35_000) // 1000
    if tens > 5:
        book.move(
            "saving", checking, livret, month.day(11), tens * 1000, "LIVRET JEUNE", arrives_after=1
        )
    elif tens < -5 and livret.level + tens * 1000 > 10_000:
        book.move(
            "saving", livret, checking, month.day(11), -tens * 1000, "AIDE MOI", arrives_after=1
        )
    elif tens < -5:
        book.transfer(
            "help", checking, month.day(9), "M ET MME BERNARD PHILIPPE", -tens * 1000 - 700,
            prefix="VIR INST",
        )  # fmt: skip


def _incomes(book: Book, month: BankMonth, checking: Holding) -> None:
    random = book.random("incomes", month)
    book.transfer("parents", checking, month.day(1), "M ET MME BERNARD PHILIPPE", 37_500)
    book.transfer(
        "apl", checking, month.day(5), "CAF DE HAUTE GARONNE APL",
        round(19_340 * month.step(0.012)),
        category=FAMILY_ALLOWANCE,
    )  # fmt: skip
    if month.month not in (7, 8):
        book.transfer(
            "grant", checking, month.day(6), "CROUS BOURSE", round(20_900 * month.step(0.01)),
            category=AID,
        )  # fmt: skip
    for _ in range(random.randrange(0, 3)):
        cents = random.randrange(36, 84) * 125 + 3
        book.transfer(
            "lessons", checking, month.day(random.randrange(8, 28)), "MME ROUX COURS MATHS", cents,
            prefix="VIR INST",
        )  # fmt: skip
    if month.month in (7, 8):
        book.transfer(
            "summer", checking, month.last_working_day, "MAIRIE DE TOULOUSE SALAIRE",
            random.randrange(82_000, 104_000), category=SALARY,
        )  # fmt: skip


def _occasions(book: Book, month: BankMonth, checking: Holding) -> None:
    random = book.random("occasions", month)
    for _ in range(random.randrange(1, 4)):
        book.transfer(
            "lydia", checking, month.day(random.randrange(1, 29)), "LYDIA SOLUTIONS",
            -(random.randrange(40, 280) * 10 + 7), prefix="VIR INST",
        )  # fmt: skip
    if random.random() < 0.6:
        at = month.day(random.randrange(2, 27))
        book.write(
            "cash", checking, at, -2000, f"RETRAIT DAB {at:%d/%m} TOULOUSE", CASH,
            clean="Retrait", operation="withdrawal", patchy=True,
        )  # fmt: skip
    if month.month in (4, 8):
        spend(book, month, checking, (HOLIDAY,), story="holiday")
    if month.month == 12:
        spend(book, month, checking, (GIFTS,), story="christmas")
    if month.month in (6, 12):
        book.card(
            "steam", checking, month.day(22), STEAM, random.randrange(499, 3999),
            currency="USD", story="foreign_currency",
        )  # fmt: skip
    if month.month == 10:
        cheque = random.randrange(1_000_000, 9_999_999)
        book.write(
            "cheque", checking, working_day(month.day(15)), -4500, f"CHQ {cheque}", OTHERS,
            clean=f"Chèque {cheque}", operation="check",
        )  # fmt: skip
