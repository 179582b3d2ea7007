"""The verbs of the command ``costmodel``, one file each."""
