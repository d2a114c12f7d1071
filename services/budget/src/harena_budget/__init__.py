"""The budget profile of a user."""
