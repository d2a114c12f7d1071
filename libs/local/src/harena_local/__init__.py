"""The embedded platform: real Postgres, Valkey and nginx as processes, and the `harena` command."""
