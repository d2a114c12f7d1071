"""Month over month, year over year and coverage."""
