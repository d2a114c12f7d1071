"""Who is at the other end of a row: the operation that a label tells, and the merchant in it.

    read("CB CARREFOUR MARKET 12/03")       -> card, "Carrefour", key "carrefour"
    read("VIR SEPA DE M DUPONT MOTIF RESTO") -> transfer, "Dupont", key "dupont"
    merchant_key(row)                        -> the key by which corrections and marks are stored

The key of a row never depends on what the user said of it, so that what was said can be undone.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from harena_ledger.known_merchants import KNOWN_MERCHANTS, KnownMerchant
from harena_ledger.model import Row
from harena_ledger.text import fold


class Operation(StrEnum):
    """How money moved: the bank API's words (docs.bridgeapi.io, "Operation types")."""

    card = "card"
    deferred_debit_card = "deferred_debit_card"
    """What settles a card account with its checking account; the purchases themselves are card."""
    transfer = "transfer"
    direct_debit = "direct_debit"
    check = "check"
    withdrawal = "withdrawal"
    deposit = "deposit"
    unknown = "unknown"


@dataclass(frozen=True, slots=True)
class Reading:
    """What one statement line says by itself."""

    operation: Operation
    sounds_like_transfer: bool
    """A transfer by its operation or, where the bank names none, by a word of its label."""
    name: str | None
    """Display name of the merchant or counterparty; None where the label names nobody."""
    key: str | None
    """The name, folded."""
    known: KnownMerchant | None


# Caisse d'Épargne is a bank, and not every line that names it moves savings.
_TRANSFER = re.compile(r"\b(?:vir|virement|versement|(?<!caisse )(?<!caisse d.)epargne)\b")
CASH_OR_CHECK = re.compile(r"\b(?:especes|cheques?|chq)\b")
_CARD_WORDS = frozenset({"cb", "carte"})
_NOBODY = frozenset({Operation.check, Operation.withdrawal, Operation.deposit})
_CHECK_WORDS = frozenset({"cheque", "cheques", "chq"})
_CASH_WORDS = frozenset({"retrait", "dab", "gab"})

# Words that a bank puts before the name, and never names anybody with.
_BEFORE_NAME = _CARD_WORDS | frozenset(
    """
        achat achats paiement paiements facture fact tpe psc visa mastercard contact sans
        avoir annul annulation remb remboursement
        prlv prel prelevement prelevt sepa echeance europeen recurrent
        vir virt virement versement inst instantane recu emis permanent perm faveur ordre
        interne externe web internet
        debit differe differee releve encours mensuel
        paypal sumup zettle sq stripe www
        """.split()
)
# Only after one of the others, and not on a card's line: "CB LE PAIN DE PAUL" keeps its words.
_LINK_WORDS = frozenset({"de", "du", "des", "d", "vers", "pour", "par", "a", "au"})
_TITLES = frozenset({"m", "mr", "mme", "mle", "mlle", "monsieur", "madame"})
# What follows is about the payment, not about who is paid.
_AFTER_NAME = frozenset({"ref", "reference", "motif", "rum", "ics", "mandat", "libelle", "num"})
_LAST_WORDS = frozenset({"cb", "carte", "sepa", "fr", "eur", "remb", "remboursement", "avoir"})
_MONTHS = frozenset(
    """
    janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre
    janv fevr avr juil sept oct nov dec
    """.split()
)

# With the words that belong to them: "PAIEMENT PAR CARTE", "FACTURE CARTE DU 03/11".
_DATE_OR_MEANS = re.compile(
    r"\b(?:du |le )?(?:\d{1,2}[/.-]\d{1,2}(?:[/.-]\d{2,4})?|\d{6}|\d{1,2}[h:]\d{2})\b"
    r"|\bpar (?=carte|cb)"
)
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_ARTICLE = re.compile(r"^[DLdl]'\w")
_NO_DIGITS = re.compile(r"\D+")

_Phrase = tuple[tuple[str, ...], KnownMerchant]


def _by_first_word() -> dict[str, list[_Phrase]]:
    index: dict[str, list[_Phrase]] = {}
    for known in KNOWN_MERCHANTS:
        for phrase in known.phrases:
            split = tuple(phrase.split())
            index.setdefault(split[0], []).append((split, known))
    for phrases in index.values():
        phrases.sort(key=lambda phrase: -len(phrase[0]))
    return index


_KNOWN = _by_first_word()


def read(
    label: str, merchant_name: str | None = None, operation_type: str | None = None
) -> Reading:
    """What a line says; `merchant_name` and `operation_type` are the bank's, where it has them."""
    return read_undated(undated(label), merchant_name, operation_type)


def undated(label: str) -> str:
    """The label folded, without its dates: what most lines of one merchant have in common."""
    return _DATE_OR_MEANS.sub(" ", fold(label))


def read_undated(label: str, merchant_name: str | None, operation_type: str | None) -> Reading:
    """`read`, for a label that went through `undated`."""
    label_words = tuple(_WORD.findall(label))
    operation = _operation(label_words, operation_type)
    sounds_like_transfer = _sounds_like_transfer(label, operation)
    given = " ".join(merchant_name.split()) if merchant_name else ""
    if given:
        given_words = tuple(_WORD.findall(fold(given)))
        known = _find_known(given_words, sounds_like_transfer=sounds_like_transfer)
        name: str | None = known.name if known else _titled(given) if given.isupper() else given
    elif operation in _NOBODY and not sounds_like_transfer:
        known = name = None
    else:
        after_noise = _after_noise(label_words, links=operation is not Operation.card)
        known = _find_known(after_noise, sounds_like_transfer=sounds_like_transfer)
        name = known.name if known else _derived(after_noise, operation)
    return Reading(operation, sounds_like_transfer, name, fold(name) if name else None, known)


def merchant_key(row: Row) -> str | None:
    """By which a correction of this row's merchant is stored (`Household.corrections`), and, for a
    transfer, whether its counterparty is the user's own (`Household.own_counterparties`).
    """
    return read(row.label, row.merchant_name, row.operation_type).key


def _operation(label_words: tuple[str, ...], declared: str | None) -> Operation:
    """The bank's word for it; where it has none, what the label begins with or says."""
    operation = Operation.unknown
    if declared:
        try:
            operation = Operation(declared.strip().lower())
        except ValueError:  # the bank API says that its list may grow
            operation = Operation.unknown
    if operation is not Operation.unknown or not label_words:
        return operation
    first, beginning = label_words[0], label_words[:3]
    if first in ("prlv", "prelevement", "prel", "prelevt"):
        return Operation.direct_debit
    if "especes" in label_words:
        return Operation.deposit if first in ("versement", "depot") else Operation.withdrawal
    if first in _CASH_WORDS:
        return Operation.withdrawal
    if first in _CHECK_WORDS or (first == "remise" and not _CHECK_WORDS.isdisjoint(beginning)):
        return Operation.check
    if first in _BEFORE_NAME and not _CARD_WORDS.isdisjoint(beginning):
        return Operation.unknown if _TRANSFER.fullmatch(first) else Operation.card
    return Operation.unknown


def _sounds_like_transfer(label: str, operation: Operation) -> bool:
    """A bank calls some transfers deposits; cash and cheques that are deposited are none."""
    if operation is Operation.transfer:
        return True
    if operation not in (Operation.unknown, Operation.deposit) or CASH_OR_CHECK.search(label):
        return False
    return _TRANSFER.search(label) is not None


def _after_noise(label_words: tuple[str, ...], *, links: bool) -> tuple[str, ...]:
    """The words from the name on: what the bank puts before it is gone, references are too."""
    start = 0
    for word in label_words:
        is_link = links and start > 0 and word in _LINK_WORDS
        if word not in _BEFORE_NAME and not is_link and not _is_reference(word):
            break
        start += 1
    return label_words[start:]


def _derived(after_noise: tuple[str, ...], operation: Operation) -> str | None:
    """The name alone. Months belong to it on a card's line only: "CAFE DE MARS", "LOYER MARS"."""
    is_card = operation is Operation.card
    name: list[str] = []
    for word in after_noise:
        if name and word in _AFTER_NAME:
            break
        if not _is_reference(word) and (is_card or word not in _TITLES):
            name.append(word)
    last = _LAST_WORDS if is_card else _LAST_WORDS | _MONTHS | _LINK_WORDS
    # "LIVRET A" ends with a word that links nothing.
    while len(name) > 1 and name[-1] != "a" and (name[-1] in last or name[-1].isdecimal()):
        name.pop()
    names_nobody = not name or name[0] in last or name[0] in _MONTHS and len(name) == 1
    return None if names_nobody else _titled(" ".join(name))


def _is_reference(word: str) -> bool:
    """A card's or store's number, an amount, an IBAN: three digits or more ("B12" is a name)."""
    return len(_NO_DIGITS.sub("", word)) >= 3


def _find_known(name_words: tuple[str, ...], *, sounds_like_transfer: bool) -> KnownMerchant | None:
    if not name_words:
        return None
    for phrase, known in _KNOWN.get(name_words[0], ()):
        if name_words[: len(phrase)] == phrase:
            return None if sounds_like_transfer and known.also_a_word else known
    return None


def _titled(name: str) -> str:
    """Each word with a capital, the article's too: "L'Atelier", but "Jules's"."""
    return " ".join(_ARTICLE.sub(_capitals, word.capitalize()) for word in name.split())


def _capitals(article: re.Match[str]) -> str:
    return article[0].title()
