"""The one Postgres schema: tables, migrations, roles and row-level security."""
