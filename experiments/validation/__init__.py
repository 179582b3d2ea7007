"""Checks of the simulators against other simulators and against plain models of themselves."""
