"""Accounts, sessions and what the bank connections brought."""
