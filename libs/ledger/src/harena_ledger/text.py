"""Folding: how two spellings of one name are told to be the same.

fold("  Électricité/Eau ")  == "electricite/eau"
words("CB L'Atelier 12/03") == ("cb", "l", "atelier", "12", "03")
"""

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")

# Unicode decomposes neither the French ligatures nor the typographic apostrophe.
_LETTERS = str.maketrans({"œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae", "\u2019": "'"})


def fold(text: str) -> str:
    """Lower case, no accents, single spaces. Folding twice changes nothing more."""
    if not text.isascii():
        # The order of Unicode's compatibility caseless match (Unicode 3.13, D146), without marks.
        text = _without_marks(_without_marks(text).translate(_LETTERS).casefold())
    return " ".join(text.lower().split())


def words(text: str) -> tuple[str, ...]:
    """The words of a text, folded: runs of letters and digits, in order."""
    return tuple(_WORD.findall(fold(text)))


def _without_marks(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
