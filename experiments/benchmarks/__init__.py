"""How fast things are, and against what that was measured."""
