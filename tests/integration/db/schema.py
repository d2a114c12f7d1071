"""What a schema is, in words that name no database, and what of it an older release would miss."""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

Definitions = Mapping[str, set[tuple[object, ...]]]

OF_TABLES = {
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
}
_QUERIES = {
    **OF_TABLES,
    "functions": """
        SELECT proname || '(' || oidvectortypes(proargtypes) || ')', pg_get_function_result(oid)
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    """,
    "triggers": """
        SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), tgenabled
        FROM pg_trigger WHERE NOT tgisinternal
    """,
    "policies": """
        SELECT polrelid::regclass::text, polname, polcmd, polpermissive, polroles::regrole[]::text,
               pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
        FROM pg_policy
    """,
    "row security": """
        SELECT relname, relrowsecurity, relforcerowsecurity
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    """,
    # Object, role, privilege; a column is `table.column`.
    "grants": """
        SELECT object, pg_get_userbyid(grantee), privilege_type FROM (
            SELECT relname::text, (aclexplode(relacl)).* FROM pg_class
            WHERE relnamespace = 'public'::regnamespace
            UNION ALL
            SELECT relname || '.' || attname, (aclexplode(attacl)).*
            FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
            WHERE relnamespace = 'public'::regnamespace
            UNION ALL
            SELECT proname, (aclexplode(coalesce(proacl, acldefault('f', proowner)))).*
            FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            UNION ALL
            SELECT nspname, (aclexplode(nspacl)).* FROM pg_namespace WHERE nspname = 'public'
            UNION ALL
            SELECT 'database', (aclexplode(datacl)).* FROM pg_database
            WHERE datname = current_database()
        ) AS granted (object, grantor, grantee, privilege_type, is_grantable)
        WHERE pg_get_userbyid(grantee) <> ALL (ARRAY[current_user, 'pg_database_owner'])
    """,
}


async def definitions(connection: AsyncConnection) -> Definitions:
    """The facts by kind; the first word of each is what it is about."""
    return {
        name: {tuple(row) for row in await connection.execute(text(query))}
        for name, query in _QUERIES.items()
    }


def contractions(before: Definitions, after: Definitions) -> list[str]:
    """What a release that was written for `before` could no longer do at `after`.

    A column or a function that is gone or of another type, a table's new rule that old writers do
    not know, a column that they do not fill, a trigger or a right that they have lost, a policy
    that shows them other rows. Indexes come and go freely, unless they forbid something.
    """
    tables = {str(table) for table, *_ in before["columns"]}
    kept = tables & {str(table) for table, *_ in after["columns"]}
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
        f"{name} is gone" for name, _ in sorted(before["functions"] - after["functions"], key=str)
    ]
    for kind in ("triggers", "policies", "row security"):
        lost = before[kind] - after[kind]
        # A trigger more does its own; a policy more hides or shows what was not.
        changed = lost if kind == "triggers" else lost | (after[kind] - before[kind])
        found += [
            f"{table} has other {kind}" for table in sorted({str(t) for t, *_ in changed} & kept)
        ]
    for thing, role, right in sorted(before["grants"] - after["grants"], key=str):
        table, _, column = str(thing).partition(".")
        gone = table in tables - kept or (column and (table, column) not in new)
        if not gone and (table, role, right) not in after["grants"]:
            found.append(f"{role} may no longer {right} {thing}")
    return found


def _columns(definitions: Definitions) -> dict[tuple[str, str], tuple[object, ...]]:
    return {
        (str(table), str(column)): tuple(rest) for table, column, *rest in definitions["columns"]
    }
