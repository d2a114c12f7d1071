"""Run by Alembic: the connection, and the transaction it is in, come from `harena_db.migrate`."""

from alembic import context

from harena_db.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
