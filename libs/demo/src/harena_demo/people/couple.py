"""Henri and Sophie Martin, salaried, one child, in Lyon: the documented test user."""

from harena_demo.book import Book, Holding, Line, Place
from harena_demo.calendar import BankMonth, working_day
from harena_demo.cases import difficult_cases
from harena_demo.model import DemoUser
from harena_demo.streams import Bill, Habit, keep_level, pay, settlement_day, spend
from harena_ledger.categories import (
    BANK_FEES,
    CASH,
    CHILDCARE,
    CLOTHES,
    ENERGY,
    FAMILY_ALLOWANCE,
    FOOD,
    FUEL,
    GARAGE,
    HEALTH,
    HOME,
    INSURANCE,
    LEISURE,
    LOANS,
    ONLINE_SHOPPING,
    OTHERS,
    REFUNDS,
    RENT,
    RESTAURANTS,
    SALARY,
    SCHOOL,
    STREAMING,
    SUBSCRIPTIONS,
    TAXES,
    TELECOMS,
    TRANSPORT,
)
from harena_ledger.model import AccountType

USER = DemoUser(
    email="henri@example.com",
    password="Henri123456",  # noqa: S106 -- documented
    first_name="Henri",
    last_name="Martin",
    description="Couple salarié avec un enfant : cinq comptes, carte à débit différé, épargne",
    budget_settings={"months_analysis": 12},
)

CUTOFF = 25
"""The deferred-debit card's cycle ends on that day."""

RENT_BILL = Bill(Place("FONCIA LYON LOYER", "Foncia", RENT), 5, 1240, yearly=0.018)

JOINT_BILLS = (
    RENT_BILL,
    Bill(Place("PAJEMPLOI", "Pajemploi", CHILDCARE), 15, 365, varies=0.06),
    Bill(Place("DIAC CREDIT AUTO", "Diac", LOANS), 10, 264.9, yearly=0),
    Bill(Place("EDF", "EDF", ENERGY), 8, 92, yearly=0.05),
    Bill(Place("EAU GRAND LYON", "Eau du Grand Lyon", ENERGY), 17, 71, (2, 5, 8, 11), varies=0.12),
    Bill(Place("FREE TELECOM", "Free", TELECOMS), 7, 40),
    Bill(Place("MAIF", "MAIF", INSURANCE), 10, 74, yearly=0.04),
    Bill(Place("MGEN", "MGEN", INSURANCE), 12, 88, yearly=0.05),
    Bill(
        Place("MAIRIE DE LYON CANTINE", "Mairie de Lyon", SCHOOL), 18, 148, (1, 4, 10), varies=0.15
    ),
    Bill(Place("DGFIP IMPOT SOLDE", "DGFIP", TAXES), 25, 312, (9,), varies=0.2),
)  # fmt: skip

OWN_BILLS = (
    Bill(Place("NETFLIX", "Netflix", STREAMING), 11, 13.5, yearly=0.06),
    Bill(Place("SPOTIFY AB", "Spotify", STREAMING), 19, 11, yearly=0.04),
    Bill(Place("SFR MOBILE", "SFR", TELECOMS), 16, 18),
    Bill(Place("BASIC FIT", "Basic Fit", SUBSCRIPTIONS), 4, 30),
    Bill(Place("AMAZON PRIME", "Amazon Prime", SUBSCRIPTIONS), 22, 70, (4,), yearly=0),
)

TCL = Bill(Place("TCL SYTRAL", "TCL", TRANSPORT), 6, 72, yearly=0.03)

GROCERS = (
    Place("CARREFOUR MARKET", "Carrefour Market", FOOD),
    Place("CARREFOUR MARKET", "Carrefour Market", FOOD),
    Place("LIDL 1204", "Lidl", FOOD),
    Place("AUCHAN DRIVE", "Auchan", FOOD),
    Place("BIOCOOP CROIX ROUSSE", "Biocoop", FOOD),
)
BAKERS = (
    Place("BOULANGERIE DU PARC", "Boulangerie du Parc", FOOD),
    Place("MAISON PERRIN", "Maison Perrin", FOOD),
)
TABLES = (
    Place("LE BOUCHON DES FILLES", "Le Bouchon des Filles", RESTAURANTS),
    Place("SUSHI SHOP", "Sushi Shop", RESTAURANTS),
    Place("PIZZERIA NAPOLI", "Pizzeria Napoli", RESTAURANTS),
    Place("BISTROT DU COIN", "Bistrot du Coin", RESTAURANTS),
    Place("MCDONALDS LYON", "McDonald's", RESTAURANTS),
)
SHOPS = (
    Place("FNAC LYON", "Fnac", LEISURE),
    Place("H&M", "H&M", CLOTHES),
    Place("CELIO", "Celio", CLOTHES),
    Place("AMAZON EU SARL", "Amazon", ONLINE_SHOPPING),
    Place("LEROY MERLIN", "Leroy Merlin", HOME),
    Place("IKEA ST PRIEST", "Ikea", HOME),
)
MOTORING = (
    Place("TOTAL ENERGIES 2381", "TotalEnergies", FUEL),
    Place("STATION U", "Station U", FUEL),
)
CHRISTMAS = {11: 1.4, 12: 2.6, 1: 1.3}

JOINT_HABITS = (
    Habit("groceries", GROCERS, 10.5, 18, 135, {12: 1.3, 8: 0.7}),
    Habit("bakery", BAKERS, 8, 2.2, 14),
    Habit("fuel", MOTORING, 2.2, 45, 88, {7: 1.8, 8: 2.0}),
    Habit(
        "pharmacy", (Place("PHARMACIE BELLECOUR", "Pharmacie Bellecour", HEALTH),), 1.4, 5, 42,
        {1: 1.5, 2: 1.5},
    ),
    Habit("garage", (Place("NORAUTO", "Norauto", GARAGE),), 0.15, 60, 320),
    Habit("toll", (Place("APRR AUTOROUTES", "APRR", TRANSPORT),), 0.5, 6, 38, {7: 6, 8: 6, 2: 4}),
)  # fmt: skip
OWN_HABITS = (
    Habit("restaurants", TABLES, 5, 14, 78, {7: 1.6, 8: 1.8, 12: 1.4}),
    Habit("shops", SHOPS, 3, 12, 120, CHRISTMAS),
    Habit("lunch", (Place("PAUL PART DIEU", "Paul", RESTAURANTS),), 6, 8, 15, {8: 0.3}),
    Habit("cinema", (Place("PATHE VAISE", "Pathé", LEISURE),), 1.2, 12, 38),
)
GIFTS = Habit(
    "gifts",
    (
        Place("KING JOUET", "King Jouet", OTHERS),
        Place("SEPHORA", "Sephora", OTHERS),
        Place("NATURE ET DECOUVERTES", "Nature et Découvertes", OTHERS),
    ),
    6, 18, 110,
)  # fmt: skip
HOLIDAY = Habit(
    "holiday",
    (
        Place("CAMPING LES PINS", "Camping les Pins", LEISURE),
        Place("LE GRILL DE LA PLAGE", "Le Grill de la Plage", RESTAURANTS),
        Place("GLACIER DU PORT", "Glacier du Port", RESTAURANTS),
        Place("SUPER U ARCACHON", "Super U", FOOD),
    ),
    9, 9, 95,
)  # fmt: skip
LONDON = (
    Place("PRET A MANGER LONDON", "Pret a Manger", RESTAURANTS),
    Place("TFL TRAVEL CH", "Transport for London", TRANSPORT),
    Place("TATE MODERN SHOP", "Tate Modern", LEISURE),
)
MACIF = Place("MACIF JURIDIQUE", "Macif", INSURANCE)
SKI_RESORT = Place("VVF LES DEUX ALPES", "VVF", LEISURE)
FOREIGN_MONTH, HOLIDAY_MONTH = 5, 8


def write(book: Book, first: BankMonth, last: BankMonth) -> None:
    """All their lines of these months."""
    own = book.open(
        Holding("own", "Crédit Agricole", AccountType.checking, "Compte courant M. Martin", 214_337)
    )
    joint = book.open(
        Holding(
            "joint", "BoursoBank", AccountType.checking, "Compte joint M. ou Mme Martin", 168_412,
            card_label="CARTE {day:%d/%m/%y} {name} CB*4412",
        )
    )  # fmt: skip
    card = book.open(
        Holding("card", "Crédit Agricole", AccountType.card, "Carte Premier à débit différé")
    )
    livret = book.open(
        Holding("livret", "Crédit Agricole", AccountType.savings, "Livret A M. Martin", 482_000)
    )
    pea = book.open(
        Holding("pea", "BoursoBank", AccountType.brokerage, "PEA Henri Martin", 315_250)
    )
    for month in first.to(last):
        keep_level(book, month, own, livret, day=3, level=2500)
        keep_level(book, month, joint, livret, day=13, level=2700, arrives_after=1)
        if month.month == 1 and livret.level > 18_000_00:
            book.move("invest", livret, pea, month.day(22), 5_000_00, "PEA", arrives_after=2)
        _incomes(book, month, own, joint)
        book.move("standing", own, joint, month.day(2), 1_500_00, "COMPTE JOINT", arrives_after=1)
        book.move("pea", joint, pea, month.day(20), 10_000, "VERSEMENT PEA", announced=2)
        # Savings at a bank that is not connected: spending, as far as anybody can see.
        book.transfer(
            "linxea", own, month.day(8), "M HENRI MARTIN LINXEA", -17_500,
            story="unknown_bank_savings",
        )  # fmt: skip
        bills = pay(book, month, joint, JOINT_BILLS)
        pay(book, month, own, (*OWN_BILLS, TCL) if month.month != 8 else OWN_BILLS)
        spend(book, month, joint, JOINT_HABITS)
        spend(book, month, card, OWN_HABITS, cutoff=CUTOFF)
        _occasions(book, month, own, joint, card)
        _regularise(book, month, joint, next(line for line in bills if line.clean == "EDF"))
        _settle(book, month, own, card)
        difficult_cases(
            book, month, joint, own,
            friends=("M JULIEN PETIT", "MME CLAIRE DUBOIS"), employer="VINATIS SAS", insurer=MACIF,
        )  # fmt: skip
        if month.month == 12:
            book.write(
                "interest", livret, month.last, livret.level * 24 // 1000, "INTERETS CREDITEURS",
                OTHERS, clean="Intérêts", operation="interest",
            )  # fmt: skip


def _incomes(book: Book, month: BankMonth, own: Holding, joint: Holding) -> None:
    random = book.random("salary", month)
    henri = round((2_585_40 + random.randrange(-400, 900)) * month.step(0.02))
    sophie = round((2_148_15 + random.randrange(-300, 600)) * month.step(0.02))
    payday = month.last_working_day
    book.transfer(
        "salary", own, payday, "VINATIS SAS SALAIRE", henri, category=SALARY, patchy=False
    )
    book.transfer("salary2", joint, payday, "HOSPICES CIVILS DE LYON PAIE", sophie, category=SALARY)
    book.transfer(
        "caf", joint, month.day(5), "CAF DU RHONE", round(14_816 * month.step(0.015)),
        category=FAMILY_ALLOWANCE,
    )  # fmt: skip
    if month.month == 12:
        book.transfer(
            "bonus", own, month.day(15), "VINATIS SAS PRIME 13E MOIS", round(henri * 0.82),
            category=SALARY, patchy=False,
        )  # fmt: skip


def _occasions(book: Book, month: BankMonth, own: Holding, joint: Holding, card: Holding) -> None:
    random = book.random("occasions", month)
    if random.random() < 0.75:
        at = month.day(random.randrange(2, 27))
        book.write(
            "cash", joint, at, -random.choice((2000, 4000, 6000)), f"RETRAIT DAB {at:%d/%m} LYON 3",
            CASH, clean="Retrait", operation="withdrawal", patchy=True,
        )  # fmt: skip
    if month.month in (3, 9):
        # Bought and given back within one cycle: the settlement has both.
        day = month.day(4)
        shoes = Place("SARENZA", "Sarenza", CLOTHES)
        bought = book.card(
            "sarenza", card, day, shoes, 8990, settled_on=settlement_day(day, CUTOFF),
            story="refund_on_card",
        )  # fmt: skip
        book.give_back(bought, month.day(17), 8990, story="refund_on_card")
    if month.month in (1, 7):
        cheque = random.randrange(1_000_000, 9_999_999)
        book.write(
            "cheque", joint, working_day(month.day(24)), -random.randrange(3000, 9000),
            f"CHQ {cheque}", OTHERS, clean=f"Chèque {cheque}", operation="check",
        )  # fmt: skip
    if month.month == 1:
        book.write(
            "card fee", own, working_day(month.day(6)), -round(13_400 * month.step(0.015)),
            "COTISATION CARTE VISA PREMIER", BANK_FEES, clean="Cotisation carte",
            story="yearly_bill",
        )  # fmt: skip
    if month.month == 2:
        book.card(
            "ski", joint, month.day(9), SKI_RESORT, 61_200 + random.randrange(9000), story="holiday"
        )
    if month.month == HOLIDAY_MONTH:
        spend(book, month, joint, (HOLIDAY,), story="holiday")
    if month.month == 12:
        spend(book, month, card, (GIFTS,), cutoff=CUTOFF, story="christmas")
    if month.month == FOREIGN_MONTH:
        for rank, place in enumerate(LONDON * 3):
            book.card(
                "london", joint, month.day(8 + rank // 3), place, random.randrange(310, 4800),
                currency="GBP", story="foreign_currency",
            )  # fmt: skip
    if month.month == 10:
        book.write(
            "birthday", own, working_day(month.day(7)), 12_050, "REMISE CHEQUE 1 CHEQUE", OTHERS,
            clean="Remise de chèque", operation="deposit",
        )  # fmt: skip


def _regularise(book: Book, month: BankMonth, joint: Holding, paid: Line) -> None:
    """The supplier gives back what the monthly estimates were too high, by transfer."""
    if month.month not in (3, 6, 11):
        return
    cents = book.random("edf", month).randrange(1500, 5500)
    credit = book.transfer(
        "edf", joint, month.day(26), "EDF REGULARISATION", cents,
        category=REFUNDS, patchy=False, story="refund_by_transfer",
    )  # fmt: skip
    credit.merchant = paid.clean
    book.is_refund(credit, paid)


def _settle(book: Book, month: BankMonth, own: Holding, card: Holding) -> None:
    before = month.shifted(-1)
    book.settle(
        card, own, before.day(CUTOFF + 1), month.day(CUTOFF), month.last_working_day,
        f"DEBIT DIFFERE CARTE {before.day(CUTOFF + 1):%d/%m} AU {month.day(CUTOFF):%d/%m}",
        shows_credit=True,
    )  # fmt: skip
