from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ledger.builders import properties

from harena_ledger.text import fold, words


class TestFold:
    def test_case_accents_and_spaces_do_not_matter(self) -> None:
        assert fold("  ÉLECTRICITÉ/eau\u00a0\n du  mois ") == "electricite/eau du mois"

    def test_ligatures_and_typographic_apostrophes_are_the_plain_ones(self) -> None:
        assert fold("Œuvre d\u2019Æther") == "oeuvre d'aether"

    def test_a_composed_and_a_decomposed_accent_are_the_same(self) -> None:
        assert fold("caf\u00e9") == fold("cafe\u0301") == "cafe"

    @given(st.text())
    @properties
    def test_folding_twice_changes_nothing_more(self, text: str) -> None:
        assert fold(fold(text)) == fold(text)

    def test_every_letter_of_the_first_planes_is_folded_for_good(self) -> None:
        characters = (chr(code) for code in range(0x20000) if not 0xD800 <= code < 0xE000)
        assert [c for c in characters if fold(fold(c)) != fold(c)] == []

    @given(st.text(alphabet=st.characters(max_codepoint=127)))
    @properties
    def test_ascii_takes_a_shorter_way_to_the_same_end(self, text: str) -> None:
        assert fold(text + "é").removesuffix("e") in (fold(text), fold(text) + " ")


class TestWords:
    def test_are_runs_of_letters_and_digits(self) -> None:
        assert words("CB L'Atelier*12/03 B12") == ("cb", "l", "atelier", "12", "03", "b12")

    def test_of_nothing_are_none(self) -> None:
        assert words(" -- ") == ()
