"""The reference categories: groups, categories with their class, and spellings found in old data.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

GROUPS = (
    (3, "Frais"),
    (98, "Divers"),
    (980, "Vie quotidienne"),
    (981, "Loisirs/Divertissement"),
    (982, "Salaire/revenus"),
    (983, "Abonnements/Services"),
    (984, "Prêts/crédits"),
    (985, "Aide sociale"),
    (986, "Impôts/taxes"),
    (10001, "Logement"),
    (10002, "Non classé"),
)

# Id, group, name, class.
CATEGORIES = (
    (301, 3, "Frais bancaires", "semi_fixed"),
    (9801, 98, "Remboursements", "refund"),
    (9802, 98, "Aide", "income"),
    (9803, 98, "Autre paiement", "variable"),
    (9804, 98, "Autres", "variable"),
    (9805, 98, "Chèques émis", "variable"),
    (9806, 98, "Retrait especes", "variable"),
    (9807, 98, "Virement entrants", "transfer"),
    (9808, 98, "Virement sortants", "transfer"),
    (98001, 980, "Alimentation", "semi_fixed"),
    (98002, 980, "Assurances", "fixed"),
    (98003, 980, "Carburant", "semi_fixed"),
    (98004, 980, "Entretien maison", "semi_fixed"),
    (98005, 980, "Électricité/eau", "semi_fixed"),
    (98006, 980, "Frais scolarité", "fixed"),
    (98007, 980, "Garage", "semi_fixed"),
    (98008, 980, "Garde d'enfants", "fixed"),
    (98009, 980, "Pension alimentaire", "fixed"),
    (98010, 980, "Restaurant", "variable"),
    (98011, 980, "Santé/pharmacie", "semi_fixed"),
    (98012, 980, "Transport", "semi_fixed"),
    (98013, 980, "Vêtements", "variable"),
    (98014, 980, "achats en ligne", "variable"),
    (98101, 981, "Jeux d'argent", "variable"),
    (98102, 981, "Loisirs", "variable"),
    (98103, 981, "Loterie", "variable"),
    (98104, 981, "Paris sportif", "variable"),
    (98201, 982, "Salaire", "income"),
    (98301, 983, "Abonnements", "fixed"),
    (98302, 983, "Services", "variable"),
    (98303, 983, "Téléphones/internet", "fixed"),
    (98304, 983, "streaming", "fixed"),
    (98401, 984, "prêt", "fixed"),
    (98501, 985, "CAF", "income"),
    (98502, 985, "PAJE", "income"),
    (98601, 986, "Amendes", "variable"),
    (98602, 986, "Impôts", "fixed"),
    (1000101, 10001, "Loyer", "fixed"),
    (1000201, 10002, "Non classé", "variable"),
)

# The predecessor's misspelling, and UTF-8 that was read as Latin-1 or as Windows took that to be.
ALIASES = (
    ("ChÃ¨ques Ã©mis", 9805),
    ("Ã\x89lectricitÃ©/eau", 98005),
    ("Ã‰lectricitÃ©/eau", 98005),
    ("Frais scolaritÃ©", 98006),
    ("SantÃ©/pharmacie", 98011),
    ("VÃªtements", 98013),
    ("TÃ©lÃ©phones/internet", 98303),
    ("prÃªt", 98401),
    ("ImpÃ´ts", 98602),
    ("Non classÃ©", 1000201),
    ("EÃ©lectricitÃ©/eau", 98005),
    ("Eélectricité/eau", 98005),
)

TABLES = (
    ("category_groups", ("id", "name"), GROUPS),
    ("categories", ("id", "group_id", "name", "class"), CATEGORIES),
    ("category_aliases", ("alias", "category_id"), ALIASES),
)


def upgrade() -> None:
    for table, columns, rows in TABLES:
        op.bulk_insert(
            sa.table(table, *map(sa.column, columns)),
            [dict(zip(columns, row, strict=True)) for row in rows],
        )


def downgrade() -> None:
    for table, (key, *_), rows in reversed(TABLES):
        names = sa.table(table, sa.column(key))
        op.execute(sa.delete(names).where(names.c[key].in_([row[0] for row in rows])))
