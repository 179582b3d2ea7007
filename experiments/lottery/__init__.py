"""The hyperparameter lottery: agents, settings and seeds on problems whose optimum is known."""
