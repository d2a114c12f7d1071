import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ledger.builders import properties, row

from harena_ledger import categories
from harena_ledger.known_merchants import KNOWN_MERCHANTS
from harena_ledger.merchants import Operation, merchant_key, read
from harena_ledger.text import fold


class TestName:
    @pytest.mark.parametrize(
        ("label", "name"),
        [
            ("CB CARREFOUR MARKET 12/03", "Carrefour"),
            ("PAIEMENT PAR CARTE 25/11/2024 IDFS T2 G", "Idfs T2 G"),
            ("FACTURE CARTE DU 031126 AMAZON EU SARL CARTE 4974XXXXXXXX1234", "Amazon"),
            ("CARTE 12/03 BOULANGERIE MARTIN LYON", "Boulangerie Martin Lyon"),
            ("CB*1234 LE FOURNIL DE PAUL", "Le Fournil De Paul"),
            ("PAIEMENT CB DU 12/03 A LA BONNE HEURE", "A La Bonne Heure"),
            ("CB L'ATELIER DU CAFE", "L'Atelier Du Cafe"),
            ("CB 3 SUISSES", "3 Suisses"),
            ("CB CAFE DE MARS", "Cafe De Mars"),
            ("PAYPAL *SPOTIFY", "Spotify"),
            ("CB MC DONALD'S PARIS 12", "McDonald's"),
            ("CB H&M 4521", "H&M"),
            ("PRLV SEPA EDF", "EDF"),
            ("PRLV SEPA DE NETFLIX.COM REF 123456", "Netflix"),
            ("PRLV SEPA CREDIT AGRICOLE CONSUMER FR12ZZZ123456", "Credit Agricole Consumer"),
            ("VIR SEPA DE M DUPONT MOTIF RESTO", "Dupont"),
            ("VIREMENT VERS LIVRET A", "Livret A"),
            ("VIR LIVRET BOURSORAMA NOVEMBRE", "Livret Boursorama"),
            ("VIR SCI DES LILAS LOYER DE NOVEMBRE 2026", "Sci Des Lilas Loyer"),
            ("AVOIR CB ZARA", "Zara"),
            ("CB BOUTIQUE DU PORT REMBOURSEMENT", "Boutique Du Port"),
        ],
    )
    def test_is_what_the_label_names(self, label: str, name: str) -> None:
        assert read(label).name == name

    @pytest.mark.parametrize(
        "label",
        [
            "",
            "VIREMENT",
            "CB 12/03",
            "CHEQUE 1234567",
            "REMISE CHEQUES",
            "RETRAIT DAB 12/03 10H22 LYON",
            "VERSEMENT ESPECES",
            "DEBIT CARTE DIFFERE NOVEMBRE 2026",
            "VIR VERS FR7630004000031234567890143",
        ],
    )
    def test_is_none_where_nobody_is_named(self, label: str) -> None:
        assert read(label).name is None
        assert read(label).key is None

    def test_the_banks_own_name_is_taken_before_the_label(self) -> None:
        assert read("CB 4421 XX", merchant_name=" Café  du Port ").name == "Café du Port"
        assert read("CB 4421 XX", merchant_name="CAFÉ DU PORT").name == "Café Du Port"
        assert read("CB 4421 XX", merchant_name="CARREFOUR CITY").name == "Carrefour"

    def test_a_blank_name_from_the_bank_is_none(self) -> None:
        assert read("PRLV SEPA EDF", merchant_name="  ").name == "EDF"

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("CB ZARA 12/03", "AVOIR CB ZARA 02/04"),
            ("CB BOULANGERIE MARTIN 12/03", "CARTE 14/03 BOULANGERIE MARTIN"),
            ("VIREMENT VERS LIVRET BOURSORAMA", "VIR SEPA RECU DE LIVRET BOURSORAMA"),
            ("VIR M MARTIN MOTIF RESTO", "VIR INST MR MARTIN"),
            ("VIR LOYER JANVIER", "VIR LOYER FEVRIER"),
            ("PRLV SEPA ASSOC DES LILAS 0012345", "PRLV SEPA ASSOC DES LILAS 0067890"),
        ],
    )
    def test_two_lines_of_one_merchant_have_one_key(self, one: str, other: str) -> None:
        assert read(one).key == read(other).key
        assert read(one).key is not None

    @given(st.text(max_size=40), st.none() | st.text(max_size=15), st.none() | st.text(max_size=9))
    @properties
    def test_any_text_at_all_can_be_read(
        self, label: str, merchant: str | None, operation: str | None
    ) -> None:
        reading = read(label, merchant, operation)

        assert (reading.key is None) == (reading.name is None)
        assert reading.key is None or reading.key == fold(reading.key) != ""
        assert reading == read(fold(label), merchant, operation)

    def test_the_key_of_a_row_is_that_of_its_label(self) -> None:
        assert merchant_key(row(1, -10, "CB ZARA 12/03")) == "zara"
        assert merchant_key(row(1, -10, "CB 1", merchant="Chez Léa")) == "chez lea"


class TestKnownMerchants:
    @pytest.mark.parametrize(
        ("label", "name"),
        [
            pytest.param("CB TOTAL 4521 LYON", "Total", id="the fuel station"),
            pytest.param("PRLV TOTAL ENERGIES", "TotalEnergies", id="not the fuel station"),
            pytest.param("CB UBER *TRIP", "Uber", id="a ride"),
            pytest.param("CB UBER *EATS", "Uber Eats", id="a meal"),
            pytest.param("PRLV FREE MOBILE", "Free Mobile", id="the longest name wins"),
            pytest.param("CB AMAZON PRIME FR", "Amazon Prime", id="a subscription"),
        ],
    )
    def test_the_longest_name_at_the_beginning_is_meant(self, label: str, name: str) -> None:
        found = read(label)

        assert found.known is not None
        assert found.name == name

    @pytest.mark.parametrize(
        "label",
        [
            pytest.param("CB BOULANGERIE DU CARREFOUR", id="a crossroads is not the supermarket"),
            pytest.param("CB CADEAUX ET EAUX", id="a present is not water"),
            pytest.param("CB ORANGERIE DU PARC", id="an orangery is not a telephone"),
            pytest.param("CB FREEDOM WEAR", id="freedom is not Free"),
            pytest.param("CB BPIFRANCE", id="letters in common are not a word"),
            pytest.param("CB TOTALLY SPICES", id="totally is not Total"),
        ],
    )
    def test_whole_words_only(self, label: str) -> None:
        assert read(label).known is None

    @pytest.mark.parametrize(
        "label",
        ["VIR PAUL MARTIN", "VIR SEPA M LECLERC", "VIREMENT DE LECLERC PIERRE", "VIR INST ORANGE"],
    )
    def test_in_a_transfer_a_name_that_people_bear_is_a_person(self, label: str) -> None:
        assert read(label).known is None

    def test_in_a_transfer_a_name_that_nobody_bears_is_the_merchant(self) -> None:
        assert read("VIR SEPA EDF TROP PERCU").name == "EDF"

    def test_every_phrase_is_folded_and_means_one_merchant(self) -> None:
        phrases = [phrase for known in KNOWN_MERCHANTS for phrase in known.phrases]

        assert phrases == [fold(phrase) for phrase in phrases]
        assert len(set(phrases)) == len(phrases)

    @pytest.mark.parametrize(
        ("phrase", "name"), [(p, known.name) for known in KNOWN_MERCHANTS for p in known.phrases]
    )
    def test_every_phrase_is_found_on_a_card_line(self, phrase: str, name: str) -> None:
        assert read(f"CB {phrase.upper()} 12/03").name == name

    def test_every_category_exists(self) -> None:
        assert {known.category_id for known in KNOWN_MERCHANTS} <= set(categories.BY_ID)


class TestOperation:
    @pytest.mark.parametrize(
        ("label", "operation"),
        [
            ("CB LIDL", "card"),
            ("ACHAT CB LIDL", "card"),
            ("PAIEMENT PAR CARTE LIDL", "card"),
            ("AVOIR CB LIDL", "card"),
            ("PRLV SEPA EDF", "direct_debit"),
            ("PRELEVEMENT CARTE DIFFEREE", "direct_debit"),
            ("CHEQUE 123", "check"),
            ("REMISE DE CHEQUES", "check"),
            ("RETRAIT DAB", "withdrawal"),
            ("VERSEMENT ESPECES", "deposit"),
            ("VIREMENT CARTE", "unknown"),
            ("LIDL", "unknown"),
        ],
    )
    def test_is_inferred_where_the_bank_names_none(self, label: str, operation: str) -> None:
        assert read(label).operation.value == operation
        assert read(label, operation_type="unknown").operation.value == operation
        assert read(label, operation_type="a word of next year").operation.value == operation

    def test_the_banks_word_wins(self) -> None:
        assert read("CB LIDL", operation_type="transfer").operation is Operation.transfer


class TestSoundsLikeTransfer:
    @pytest.mark.parametrize(
        "label",
        ["VIR M MARTIN", "VIREMENT INTERNE", "VERSEMENT LIVRET", "EPARGNE MENSUELLE", "Épargne"],
    )
    def test_by_a_word_of_the_label(self, label: str) -> None:
        assert read(label).sounds_like_transfer

    @pytest.mark.parametrize(
        "label",
        [
            pytest.param("VIRGIN MEGASTORE", id="a name that begins like one"),
            pytest.param("AVIRON CLUB", id="a name that contains one"),
            pytest.param("COTISATION CAISSE D'EPARGNE", id="the bank of that name"),
            pytest.param("COTIS CAISSE D EPARGNE", id="the bank of that name, as printed"),
            pytest.param("CB EPARGNE ET CADEAUX", id="a card payment"),
            pytest.param("PRLV EPARGNE RETRAITE", id="a direct debit"),
            pytest.param("VERSEMENT ESPECES", id="cash"),
            pytest.param("VERSEMENT CHEQUE", id="a cheque"),
            pytest.param("REVERSEMENT TAXE", id="a longer word"),
        ],
    )
    def test_but_not_by_less(self, label: str) -> None:
        assert not read(label).sounds_like_transfer

    def test_by_the_operation_whatever_the_label(self) -> None:
        assert read("MARTIN", operation_type="transfer").sounds_like_transfer

    def test_a_bank_may_call_a_transfer_a_deposit(self) -> None:
        assert read("VERSEMENT LIVRET A", operation_type="deposit").sounds_like_transfer
        assert not read("VERSEMENT ESPECES", operation_type="deposit").sounds_like_transfer
