"""Notebooks as Python files in jupytext's percent format; the tests execute them."""
