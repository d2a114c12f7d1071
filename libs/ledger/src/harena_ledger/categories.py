"""Reference data: groups, categories, their classes, and the spellings by which they are known.

`GROUPS`, `CATEGORIES` and `ALIASES` are plain tuples. The migration that loads them into the
database keeps a frozen copy; what is added here later needs a migration of its own. Ids never
change: a group's is the bank API's (ours for Logement and Non classé), a category's is its
group's × 100 + its rank.
"""

from typing import NamedTuple

from harena_ledger.model import CategoryClass
from harena_ledger.text import fold


class Group(NamedTuple):
    id: int
    name: str


class Category(NamedTuple):
    id: int
    name: str
    group_id: int
    category_class: CategoryClass


BANK_FEES = 301

REFUNDS = 9801
AID = 9802
OTHER_PAYMENTS = 9803
OTHERS = 9804
CHEQUES = 9805
CASH = 9806
TRANSFERS_IN = 9807
TRANSFERS_OUT = 9808

FOOD = 98001
INSURANCE = 98002
FUEL = 98003
HOME = 98004
ENERGY = 98005
SCHOOL = 98006
GARAGE = 98007
CHILDCARE = 98008
ALIMONY = 98009
RESTAURANTS = 98010
HEALTH = 98011
TRANSPORT = 98012
CLOTHES = 98013
ONLINE_SHOPPING = 98014

GAMBLING = 98101
LEISURE = 98102
LOTTERY = 98103
SPORTS_BETTING = 98104

SALARY = 98201

SUBSCRIPTIONS = 98301
SERVICES = 98302
TELECOMS = 98303
STREAMING = 98304

LOANS = 98401

FAMILY_ALLOWANCE = 98501
CHILDCARE_ALLOWANCE = 98502

FINES = 98601
TAXES = 98602

RENT = 1000101
UNCLASSIFIED = 1000201

GROUPS: tuple[Group, ...] = (
    Group(3, "Frais"),
    Group(98, "Divers"),
    Group(980, "Vie quotidienne"),
    Group(981, "Loisirs/Divertissement"),
    Group(982, "Salaire/revenus"),
    Group(983, "Abonnements/Services"),
    Group(984, "Prêts/crédits"),
    Group(985, "Aide sociale"),
    Group(986, "Impôts/taxes"),
    Group(10001, "Logement"),
    Group(10002, "Non classé"),
)

_FIXED = CategoryClass.fixed
_SEMI_FIXED = CategoryClass.semi_fixed
_VARIABLE = CategoryClass.variable
_INCOME = CategoryClass.income
_TRANSFER = CategoryClass.transfer

CATEGORIES: tuple[Category, ...] = (
    Category(BANK_FEES, "Frais bancaires", 3, _SEMI_FIXED),
    Category(REFUNDS, "Remboursements", 98, CategoryClass.refund),
    Category(AID, "Aide", 98, _INCOME),
    Category(OTHER_PAYMENTS, "Autre paiement", 98, _VARIABLE),
    Category(OTHERS, "Autres", 98, _VARIABLE),
    Category(CHEQUES, "Chèques émis", 98, _VARIABLE),
    Category(CASH, "Retrait especes", 98, _VARIABLE),
    Category(TRANSFERS_IN, "Virement entrants", 98, _TRANSFER),
    Category(TRANSFERS_OUT, "Virement sortants", 98, _TRANSFER),
    Category(FOOD, "Alimentation", 980, _SEMI_FIXED),
    Category(INSURANCE, "Assurances", 980, _FIXED),
    Category(FUEL, "Carburant", 980, _SEMI_FIXED),
    Category(HOME, "Entretien maison", 980, _SEMI_FIXED),
    Category(ENERGY, "Électricité/eau", 980, _SEMI_FIXED),
    Category(SCHOOL, "Frais scolarité", 980, _FIXED),
    Category(GARAGE, "Garage", 980, _SEMI_FIXED),
    Category(CHILDCARE, "Garde d'enfants", 980, _FIXED),
    Category(ALIMONY, "Pension alimentaire", 980, _FIXED),
    Category(RESTAURANTS, "Restaurant", 980, _VARIABLE),
    Category(HEALTH, "Santé/pharmacie", 980, _SEMI_FIXED),
    Category(TRANSPORT, "Transport", 980, _SEMI_FIXED),
    Category(CLOTHES, "Vêtements", 980, _VARIABLE),
    Category(ONLINE_SHOPPING, "achats en ligne", 980, _VARIABLE),
    Category(GAMBLING, "Jeux d'argent", 981, _VARIABLE),
    Category(LEISURE, "Loisirs", 981, _VARIABLE),
    Category(LOTTERY, "Loterie", 981, _VARIABLE),
    Category(SPORTS_BETTING, "Paris sportif", 981, _VARIABLE),
    Category(SALARY, "Salaire", 982, _INCOME),
    Category(SUBSCRIPTIONS, "Abonnements", 983, _FIXED),
    Category(SERVICES, "Services", 983, _VARIABLE),
    Category(TELECOMS, "Téléphones/internet", 983, _FIXED),
    Category(STREAMING, "streaming", 983, _FIXED),
    Category(LOANS, "prêt", 984, _FIXED),
    Category(FAMILY_ALLOWANCE, "CAF", 985, _INCOME),
    Category(CHILDCARE_ALLOWANCE, "PAJE", 985, _INCOME),
    Category(FINES, "Amendes", 986, _VARIABLE),
    Category(TAXES, "Impôts", 986, _FIXED),
    Category(RENT, "Loyer", 10001, _FIXED),
    Category(UNCLASSIFIED, "Non classé", 10002, _VARIABLE),
)

BY_ID: dict[int, Category] = {category.id: category for category in CATEGORIES}


def _doubly_encoded(name: str) -> set[str]:
    """The name as it looks once its UTF-8 was read as Latin-1, or as Windows took Latin-1 to be."""
    utf8 = name.encode()
    return {utf8.decode("latin-1"), utf8.decode("cp1252")} - {name}


_OLD_NAMES = ((ENERGY, "Eélectricité/eau"),)

ALIASES: tuple[tuple[str, int], ...] = tuple(
    (alias, category_id)
    for category_id, spellings in (
        *((c.id, _doubly_encoded(c.name)) for c in CATEGORIES),
        *((id_, {old} | _doubly_encoded(old)) for id_, old in _OLD_NAMES),
    )
    for alias in sorted(spellings)
)
"""Other spellings found in stored data, and the category that each means."""

_BY_NAME: dict[str, Category] = {
    **{fold(alias): BY_ID[category_id] for alias, category_id in ALIASES},
    **{fold(category.name): category for category in CATEGORIES},
}


def find(name: str) -> Category | None:
    """The category of that whole name or alias, whatever its case and accents."""
    return _BY_NAME.get(fold(name))


def class_of(category_id: int) -> CategoryClass:
    """Raises KeyError for an id that is not in `CATEGORIES`."""
    return BY_ID[category_id].category_class


def spending_class(category_id: int) -> CategoryClass:
    """The part of the spending in which a debit or a refund counts: fixed, semi_fixed or variable.

    Money that left under a category of class transfer, income or refund is variable spending.
    """
    category_class = class_of(category_id)
    return category_class if category_class in (_FIXED, _SEMI_FIXED) else _VARIABLE
