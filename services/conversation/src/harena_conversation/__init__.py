"""Answers to questions in French."""
