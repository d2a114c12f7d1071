"""The history of the schema. `harena_db.migrate` runs it; nothing else imports it."""
