"""How the agents' defaults were chosen, and outside checks of the agents."""
