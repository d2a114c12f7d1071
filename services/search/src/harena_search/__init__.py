"""Search over a user's transactions."""
