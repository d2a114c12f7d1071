"""Rules of the schema that no single table shows."""

from sqlalchemy import Float, String, Text

from harena_db.tables import metadata
from harena_ledger.model import Entry

TABLES = metadata.sorted_tables


def test_every_reference_between_rows_of_users_carries_the_user() -> None:
    for table in TABLES:
        for key in table.foreign_key_constraints:
            if "user_id" in key.referred_table.c:
                assert "user_id" in {column.name for column in key.columns}, key.name


def test_every_reference_has_an_index_or_refers_to_reference_data() -> None:
    """Without one, deleting what is referred to reads the whole table."""
    for table in TABLES:
        indexed = {
            tuple(column.name for column in columns)
            for columns in (
                *(index.columns for index in table.indexes),
                *(c.columns for c in table.constraints if hasattr(c, "columns")),
            )
        }
        for key in table.foreign_key_constraints:
            if key.referred_table.name.startswith("categor"):
                continue
            names = tuple(column.name for column in key.columns)
            leading = {columns[: len(names)] for columns in indexed} | {
                columns for columns in indexed if len(columns) == 1
            }
            assert names in leading or (names[-1],) in leading, (table.name, names)


def test_money_is_never_a_float() -> None:
    for table in TABLES:
        for column in table.c:
            assert not isinstance(column.type, Float), column
            # A length is a check with a name, or none at all.
            assert not isinstance(column.type, String) or isinstance(column.type, Text), column


def test_every_constraint_has_a_name() -> None:
    for table in TABLES:
        assert all(constraint.name for constraint in table.constraints), table.name
        assert all(index.name for index in table.indexes), table.name


def test_every_field_of_an_entry_has_its_column() -> None:
    renamed = {"row_id": "id", "category_id": "counted_category_id", "pair": "paired_with"}
    columns = set(metadata.tables["transactions"].c.keys())
    assert {renamed.get(name, name) for name in Entry.__dataclass_fields__} <= columns
