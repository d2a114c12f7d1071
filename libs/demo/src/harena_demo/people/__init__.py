"""The demo households, one module each: who they are, and what a month of theirs looks like."""
