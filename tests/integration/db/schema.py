"""What a schema is, in words that name no database, and what of it an older release would miss."""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

Definitions = Mapping[str, set[tuple[object, ...]]]

_QUERIES = {
    "columns": """
        SELECT table_name, column_name, is_nullable, column_default, data_type, udt_name,
               numeric_precision, numeric_scale, is_identity, identity_generation,
               generation_expression
        FROM information_schema.columns WHERE table_schema = 'public'
    """,
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    """,
    "indexes": "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "grants": """
        SELECT table_name, coalesce(column_name, ''), grantee, privilege_type
        FROM information_schema.column_privileges WHERE table_schema = 'public'
    """,
}
NAMES = tuple(_QUERIES)


async def definitions(connection: AsyncConnection) -> Definitions:
    """The facts by kind; the first word of each is its table. Alembic's own table is left out."""
    return {
        name: {
            tuple(row)
            for row in await connection.execute(text(query))
            if row[0] != "alembic_version"
        }
        for name, query in _QUERIES.items()
    }


def contractions(before: Definitions, after: Definitions) -> list[str]:
    """What a release that was written for `before` could no longer do at `after`.

    A column that is gone or of another type, a table's new rule that old writers do not know, a
    column that they do not fill, a right that they have lost. Indexes come and go freely, unless
    they forbid something.
    """
    tables = {str(table) for table, *_ in before["columns"]}
    old, new = _columns(before), _columns(after)
    found = [f"{table}.{column} is gone" for table, column in sorted(old.keys() - new.keys())]
    for key in sorted(old.keys() & new.keys()):
        (was_nullable, _, *was), (nullable, _, *now) = old[key], new[key]
        if was != now:
            found.append(f"{'.'.join(key)} is of another type")
        if was_nullable == "YES" and nullable == "NO":
            found.append(f"{'.'.join(key)} may no longer be null")
    for key in sorted(new.keys() - old.keys()):
        nullable, default, *rest = new[key]
        filled = default is not None or "YES" in (nullable, rest[4]) or rest[6] is not None
        if key[0] in tables and not filled:
            found.append(f"{'.'.join(key)} must be filled, and old writers do not know it")
    for table, name, rule in sorted(after["constraints"] - before["constraints"], key=str):
        # Not-null is a constraint by name since Postgres 18; its column is looked at above.
        if table in tables and not str(rule).startswith("NOT NULL"):
            found.append(f"{table} has a new rule, {name}")
    for table, index in sorted(after["indexes"] - before["indexes"], key=str):
        if table in tables and "UNIQUE" in str(index):
            found.append(f"{table} has a new unique index")
    found += [
        f"{role} may no longer {right} {table}.{column}"
        for table, column, role, right in sorted(before["grants"] - after["grants"], key=str)
        if (str(table), str(column)) in new
    ]
    return found


def _columns(definitions: Definitions) -> dict[tuple[str, str], tuple[object, ...]]:
    return {
        (str(table), str(column)): tuple(rest) for table, column, *rest in definitions["columns"]
    }
