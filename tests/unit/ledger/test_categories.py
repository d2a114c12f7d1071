import pytest

from harena_ledger import categories
from harena_ledger.model import CategoryClass

# Read off the product's definition by hand: (group, category): class.
EXPECTED = {
    ("Frais", "Frais bancaires"): "semi_fixed",
    ("Divers", "Remboursements"): "refund",
    ("Divers", "Aide"): "income",
    ("Divers", "Autre paiement"): "variable",
    ("Divers", "Autres"): "variable",
    ("Divers", "Chèques émis"): "variable",
    ("Divers", "Retrait especes"): "variable",
    ("Divers", "Virement entrants"): "transfer",
    ("Divers", "Virement sortants"): "transfer",
    ("Logement", "Loyer"): "fixed",
    ("Vie quotidienne", "Alimentation"): "semi_fixed",
    ("Vie quotidienne", "Assurances"): "fixed",
    ("Vie quotidienne", "Carburant"): "semi_fixed",
    ("Vie quotidienne", "Entretien maison"): "semi_fixed",
    ("Vie quotidienne", "Électricité/eau"): "semi_fixed",
    ("Vie quotidienne", "Frais scolarité"): "fixed",
    ("Vie quotidienne", "Garage"): "semi_fixed",
    ("Vie quotidienne", "Garde d'enfants"): "fixed",
    ("Vie quotidienne", "Pension alimentaire"): "fixed",
    ("Vie quotidienne", "Restaurant"): "variable",
    ("Vie quotidienne", "Santé/pharmacie"): "semi_fixed",
    ("Vie quotidienne", "Transport"): "semi_fixed",
    ("Vie quotidienne", "Vêtements"): "variable",
    ("Vie quotidienne", "achats en ligne"): "variable",
    ("Loisirs/Divertissement", "Jeux d'argent"): "variable",
    ("Loisirs/Divertissement", "Loisirs"): "variable",
    ("Loisirs/Divertissement", "Loterie"): "variable",
    ("Loisirs/Divertissement", "Paris sportif"): "variable",
    ("Salaire/revenus", "Salaire"): "income",
    ("Abonnements/Services", "Abonnements"): "fixed",
    ("Abonnements/Services", "Services"): "variable",
    ("Abonnements/Services", "Téléphones/internet"): "fixed",
    ("Abonnements/Services", "streaming"): "fixed",
    ("Prêts/crédits", "prêt"): "fixed",
    ("Aide sociale", "CAF"): "income",
    ("Aide sociale", "PAJE"): "income",
    ("Impôts/taxes", "Amendes"): "variable",
    ("Impôts/taxes", "Impôts"): "fixed",
    ("Non classé", "Non classé"): "variable",
}


class TestReferenceData:
    def test_is_the_documented_one(self) -> None:
        groups = dict(categories.GROUPS)

        assert {
            (groups[c.group_id], c.name): c.category_class.value for c in categories.CATEGORIES
        } == EXPECTED

    def test_ids_are_unique_and_begin_with_the_groups(self) -> None:
        assert len(categories.BY_ID) == len(categories.CATEGORIES)
        assert all(c.id // 100 == c.group_id for c in categories.CATEGORIES)

    def test_ids_that_are_stored_in_databases_never_change(self) -> None:
        stored = {"Frais bancaires": 301, "Remboursements": 9801, "Alimentation": 98001}
        stored |= {"achats en ligne": 98014, "Loyer": 1000101, "Non classé": 1000201}

        assert {name: c.id for name in stored if (c := categories.find(name))} == stored

    def test_no_two_categories_fold_to_one_name(self) -> None:
        assert all(categories.find(c.name) == c for c in categories.CATEGORIES)


class TestFind:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            pytest.param("ALIMENTATION", categories.FOOD, id="in capitals"),
            pytest.param("Retrait espèces", categories.CASH, id="with the accent that is due"),
            pytest.param("  electricite/eau ", categories.ENERGY, id="without accents"),
            pytest.param("Eélectricité/eau", categories.ENERGY, id="as it was misspelled"),
            pytest.param("EÃ©lectricitÃ©/eau", categories.ENERGY, id="misspelled, encoded twice"),
            pytest.param("Ã‰lectricitÃ©/eau", categories.ENERGY, id="encoded twice on Windows"),
            pytest.param("Ã\x89lectricitÃ©/eau", categories.ENERGY, id="encoded twice"),
            pytest.param("SantÃ©/pharmacie", categories.HEALTH, id="health encoded twice"),
            pytest.param("prÃªt", categories.LOANS, id="a loan encoded twice"),
        ],
    )
    def test_knows_every_spelling(self, name: str, expected: int) -> None:
        found = categories.find(name)

        assert found is not None
        assert found.id == expected

    @pytest.mark.parametrize("name", ["eau", "Alimentation générale", "Loisir", ""])
    def test_takes_whole_names_only(self, name: str) -> None:
        assert categories.find(name) is None


class TestClasses:
    @pytest.mark.parametrize(
        ("category", "expected"),
        [
            (categories.RENT, CategoryClass.fixed),
            (categories.FOOD, CategoryClass.semi_fixed),
            (categories.RESTAURANTS, CategoryClass.variable),
            (categories.TRANSFERS_OUT, CategoryClass.variable),
            (categories.SALARY, CategoryClass.variable),
            (categories.REFUNDS, CategoryClass.variable),
        ],
    )
    def test_spending_is_fixed_semi_fixed_or_variable(
        self, category: int, expected: CategoryClass
    ) -> None:
        assert categories.spending_class(category) is expected
