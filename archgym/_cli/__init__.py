"""The verbs of the command line, one file each; :mod:`archgym.cli` dispatches to them."""
