"""Demo households: deterministic, believable, with the true kind of every row."""
