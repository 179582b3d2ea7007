"""Tuning of agents' hyperparameters with Optuna."""
