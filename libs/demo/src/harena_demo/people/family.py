"""Sandrine Moreau's family in Roubaix: three children, small salaries, an account at its limit."""

from datetime import date

from harena_demo.book import Book, Holding, Line, Place
from harena_demo.calendar import BankMonth, working_day
from harena_demo.cases import difficult_cases
from harena_demo.model import DemoUser
from harena_demo.streams import Bill, Habit, pay, spend
from harena_ledger.categories import (
    BANK_FEES,
    CASH,
    CHEQUES,
    CHILDCARE,
    CLOTHES,
    ENERGY,
    FAMILY_ALLOWANCE,
    FOOD,
    FUEL,
    HEALTH,
    HOME,
    INSURANCE,
    LEISURE,
    LOANS,
    LOTTERY,
    OTHERS,
    RENT,
    RESTAURANTS,
    SALARY,
    SCHOOL,
    STREAMING,
    TAXES,
    TELECOMS,
)
from harena_ledger.model import AccountType

USER = DemoUser(
    email="sandrine.moreau@example.com",
    password="Sandrine123456",  # noqa: S106 -- documented
    first_name="Sandrine",
    last_name="Moreau",
    description="Famille à la limite : petits salaires, CAF, crédits, découvert en fin de mois",
    budget_settings={"months_analysis": 12, "account_selection": {"mode": "all"}},
)

HUSBAND_CONNECTED = date(2025, 3, 3)
"""Since then her husband's connection shows the joint account too."""

FREE = Place("FREE MOBILE", "Free Mobile", TELECOMS)
BILLS = (
    Bill(Place("LILLE METROPOLE HABITAT LOYER", "LMH", RENT), 6, 742, yearly=0.018),
    Bill(Place("EDF", "EDF", ENERGY), 9, 131, yearly=0.045),
    Bill(Place("ILEO EAU", "Iléo", ENERGY), 20, 88, (3, 6, 9, 12), varies=0.12),
    Bill(Place("COFIDIS", "Cofidis", LOANS), 5, 112.4, yearly=0),
    Bill(Place("DIAC ECHEANCE PRET", "Diac", LOANS), 8, 214.8, yearly=0),
    Bill(Place("SOFINCO", "Sofinco", LOANS), 5, 96.2, yearly=0),
    Bill(Place("ENGIE GAZ", "Engie", ENERGY), 11, 94, yearly=0.04),
    Bill(Place("CENTRE SOCIAL PERISCOLAIRE", "Centre social", CHILDCARE), 16, 127, varies=0.15),
    Bill(FREE, 12, 36, yearly=0),
    Bill(Place("BOUYGUES TELECOM", "Bouygues Telecom", TELECOMS), 15, 31),
    Bill(Place("MATMUT", "Matmut", INSURANCE), 10, 79, yearly=0.04),
    Bill(Place("HARMONIE MUTUELLE", "Harmonie Mutuelle", INSURANCE), 7, 104, yearly=0.05),
    Bill(Place("NETFLIX", "Netflix", STREAMING), 18, 6),
    Bill(Place("TRESORERIE ROUBAIX CANTINE", "Cantine de Roubaix", SCHOOL), 17, 96, (1, 4, 10, 12)),
    Bill(Place("DGFIP IMPOT", "DGFIP", TAXES), 15, 129, (10,)),
)  # fmt: skip
HABITS = (
    Habit(
        "groceries",
        (
            Place("LIDL 2231", "Lidl", FOOD),
            Place("LIDL 2231", "Lidl", FOOD),
            Place("ALDI ROUBAIX", "Aldi", FOOD),
            Place("CARREFOUR CONTACT", "Carrefour Contact", FOOD),
        ),
        16, 14, 108, {12: 1.25, 8: 0.9}, fades=True,
    ),
    Habit("bakery", (Place("AUX DELICES DU NORD", "Aux Délices du Nord", FOOD),), 7, 1.5, 8.5),
    Habit(
        "fuel",
        (
            Place("INTERMARCHE CARBURANT", "Intermarché", FUEL),
            Place("ESSO WASQUEHAL", "Esso", FUEL),
        ),
        4, 30, 62, fades=True,
    ),
    Habit(
        "bazaar",
        (Place("ACTION 5514", "Action", HOME), Place("GIFI", "Gifi", HOME)),
        2.5, 4, 38, {12: 2.0}, fades=True,
    ),
    Habit("clothes", (Place("KIABI", "Kiabi", CLOTHES),), 1.2, 12, 74, {9: 2.5}, fades=True),
    Habit("tobacco", (Place("TABAC DE LA GARE", "Tabac de la Gare", OTHERS),), 7, 11, 13),
    Habit("fast food", (Place("QUICK ROUBAIX", "Quick", RESTAURANTS),), 1.3, 14, 42, fades=True),
    Habit("lottery", (Place("FDJ", "FDJ", LOTTERY),), 1.5, 5, 12),
    Habit("pharmacy", (Place("PHARMACIE DU CENTRE", "Pharmacie du Centre", HEALTH),), 1.6, 3, 28),
)  # fmt: skip
HOLIDAY = Habit(
    "holiday",
    (
        Place("CAMPING BRAY DUNES", "Camping de Bray-Dunes", LEISURE),
        Place("FRITERIE DE LA DIGUE", "Friterie de la Digue", RESTAURANTS),
        Place("MATCH MALO", "Supermarché Match", FOOD),
    ),
    6, 8, 66, fades=True,
)  # fmt: skip
GIFTS = Habit(
    "gifts",
    (
        Place("LA GRANDE RECRE", "La Grande Récré", OTHERS),
        Place("MICROMANIA", "Micromania", OTHERS),
    ),
    5, 12, 58,
)  # fmt: skip
IMPORT = Place("WISH.COM LONDON", "Wish", OTHERS)
MAAF = Place("MAAF VIE", "Maaf", INSURANCE)


def write(book: Book, first: BankMonth, last: BankMonth) -> None:
    """All their lines of these months."""
    bank, second = "Caisse d'Épargne", "Caisse d'Épargne (2)"
    checking = book.open(
        Holding(
            "checking", bank, AccountType.checking, "Compte joint Moreau", 251_510,
            card_label="CB {name} FACT {day:%d%m%y}",
        )
    )  # fmt: skip
    livret = book.open(Holding("livret", bank, AccountType.savings, "Livret A Mme Moreau", 61_000))
    book.open(Holding("loan", "Diac", AccountType.loan, "Prêt auto", -742_000))
    book.connect_again(checking, second, made_on=HUSBAND_CONNECTED, since=HUSBAND_CONNECTED)
    low = checking.level
    for month in first.to(last):
        _overdraft(book, month, checking, low)
        _balance(book, month, checking, livret)
        opening, begun = checking.level, len(book.lines)
        _incomes(book, month, checking)
        bills = pay(book, month, checking, BILLS)
        spend(book, month, checking, HABITS)
        _occasions(
            book, month, checking, next(line for line in bills if line.clean == FREE.merchant)
        )
        difficult_cases(
            book, month, checking, livret,
            friends=("MME NADIA BENALI", "M ERIC DELATTRE"), employer="KORIAN", insurer=MAAF,
        )  # fmt: skip
        low = _lowest(opening, book.lines[begun:], checking)
        if month.month == 12:
            book.write(
                "interest", livret, month.last, livret.level * 24 // 1000, "INTERETS CREDITEURS",
                OTHERS, clean="Intérêts", operation="interest",
            )  # fmt: skip


def _lowest(opening: int, lines: list[Line], checking: Holding) -> int:
    """The lowest balance that the account had."""
    level = low = opening
    for line in sorted(lines, key=lambda line: line.occurred_on):
        if line.holding is checking and line.moves:
            level += line.cents
            low = min(low, level)
    return low


def _overdraft(book: Book, month: BankMonth, checking: Holding, low: int) -> None:
    """What the month before cost, when it went below zero."""
    if low >= 0:
        return
    interventions = min(10, 1 + -low // 7_500)
    book.write(
        "fee", checking, working_day(month.day(6)), -800 * interventions,
        f"COMMISSIONS D INTERVENTION {month.shifted(-1).month:02}", BANK_FEES,
        clean="Commissions d'intervention", patchy=True, story="overdraft",
    )  # fmt: skip
    book.write(
        "overdraft", checking, working_day(month.day(4)), min(-100, low * 12 // 1000),
        "INTERETS DEBITEURS", BANK_FEES, clean="Intérêts débiteurs", story="overdraft",
    )  # fmt: skip


def _balance(book: Book, month: BankMonth, checking: Holding, livret: Holding) -> None:
    """The salaries of the end of the month are there: too few, and the livret or a mother helps."""
    tens = (checking.level - 2_500_00) // 1000
    if tens > 15:
        book.move("saving", checking, livret, month.day(3), tens * 1000, "LIVRET A", announced=2)
    elif tens < -15 and livret.level + tens * 1000 > 5_000:
        book.move("saving", livret, checking, month.day(14), -tens * 1000, "LIVRET A", announced=2)
    elif tens < -15:
        book.transfer(
            "help", checking, month.day(17), "MME GIRARD MONIQUE", -tens * 1000 - 500,
            prefix="VIR INST",
        )  # fmt: skip
    if livret.level > 4_000:
        book.move("standing", checking, livret, month.day(24), 2_000, "VERS LIVRET A", announced=3)


def _incomes(book: Book, month: BankMonth, checking: Holding) -> None:
    random = book.random("incomes", month)
    wages = (
        ("salary", "KORIAN SALAIRE", 1_398_00 + random.randrange(-2000, 6000), 0.022),
        ("salary2", "TRANSPORTS DELVAUX PAIE", 1_445_00 + random.randrange(-4000, 9000), 0.018),
    )
    for stream, payer, cents, raised in wages:
        book.transfer(
            stream, checking, month.last_working_day, payer, round(cents * month.step(raised)),
            category=SALARY,
        )  # fmt: skip
    book.transfer(
        "caf", checking, month.day(5), "CAF DU NORD", round(33_892 * month.step(0.015)),
        category=FAMILY_ALLOWANCE,
    )  # fmt: skip
    if month.month == 8:
        book.transfer(
            "school", checking, month.day(20), "CAF DU NORD RENTREE SCOLAIRE",
            round(1_278_00 * month.step(0.015)), category=FAMILY_ALLOWANCE,
        )  # fmt: skip
    if month.month == 12:
        book.transfer(
            "premium", checking, month.day(15), "CAF DU NORD PRIME DE NOEL", 335_39,
            category=FAMILY_ALLOWANCE,
        )  # fmt: skip


def _occasions(book: Book, month: BankMonth, checking: Holding, phone: Line) -> None:
    random = book.random("occasions", month)
    for _ in range(random.randrange(1, 4)):
        at = month.day(random.randrange(1, 20))
        book.write(
            "cash", checking, at, -random.choice((2000, 3000, 5000)),
            f"RETRAIT DAB {at:%d/%m} ROUBAIX", CASH, clean="Retrait", operation="withdrawal",
            patchy=True,
        )  # fmt: skip
    if month.month in (2, 5, 9, 10):
        cheque = random.randrange(1_000_000, 9_999_999)
        book.write(
            "cheque", checking, working_day(month.day(13)), -random.randrange(1500, 7500),
            f"CHQ {cheque}", CHEQUES, clean=f"Chèque {cheque}", operation="check", patchy=True,
        )  # fmt: skip
    if month.month in (3, 11):
        # Not enough on the account: the bank sends the debit back.
        book.is_refund(
            book.write(
                "rejected", checking, working_day(month.day(19)), -phone.cents,
                f"REJET PRLV SEPA {FREE.label}", FREE.category, clean=FREE.merchant,
                merchant=FREE.merchant, operation="direct_debit", story="rejected_debit",
            ),
            phone,
        )  # fmt: skip
    if month.month == 1:
        book.write(
            "card fee", checking, working_day(month.day(9)), -4_450, "COTISATION CARTE", BANK_FEES,
            clean="Cotisation carte", story="yearly_bill",
        )  # fmt: skip
    if month.month == 8:
        spend(book, month, checking, (HOLIDAY,), story="holiday")
    if month.month == 12:
        spend(book, month, checking, (GIFTS,), story="christmas")
    if month.month in (4, 10):
        book.card(
            "import", checking, month.day(11), IMPORT, random.randrange(899, 3499),
            currency="GBP", story="foreign_currency",
        )  # fmt: skip
