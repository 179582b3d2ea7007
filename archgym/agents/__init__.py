"""Search agents: one file each, behind one contract, listed by name in :data:`AGENTS`."""

from collections.abc import Callable, Mapping
from typing import Any

from archgym.agents._agent import Agent, Hyperparameters, LoopAgent, bounded
from archgym.agents._ant_colony import AntColonyAgent, AntColonyConfig
from archgym.agents._bayesian import BayesianAgent, BayesianConfig
from archgym.agents._cmaes import CMAESAgent, CMAESConfig
from archgym.agents._gamma import GammaAgent, GammaConfig
from archgym.agents._gbrl import GBRLAgent, GBRLConfig
from archgym.agents._genetic import GeneticAgent, GeneticConfig
from archgym.agents._gp import GPAgent, GPConfig
from archgym.agents._local_search import LocalSearchAgent, LocalSearchConfig
from archgym.agents._masked_ppo import MaskedPPOAgent, MaskedPPOConfig
from archgym.agents._nsga2 import NSGA2Agent, NSGA2Config
from archgym.agents._optuna import OptunaAgent
from archgym.agents._points import Point, PointsAgent
from archgym.agents._policy_gradient import PolicyGradientAgent, PolicyGradientConfig
from archgym.agents._portfolio import PortfolioAgent, PortfolioConfig
from archgym.agents._ppo import PPOAgent, PPOConfig
from archgym.agents._random_forest import RandomForestAgent, RandomForestConfig
from archgym.agents._random_walk import RandomWalkAgent, RandomWalkConfig
from archgym.agents._simulated_annealing import SimulatedAnnealingAgent, SimulatedAnnealingConfig
from archgym.agents._sobol import SobolAgent, SobolConfig
from archgym.agents._tpe import TPEAgent, TPEConfig
from archgym.agents._tree_search import TreeSearchAgent, TreeSearchConfig
from archgym.errors import InvalidConfigError, UnknownNameError

__all__ = [
    "AGENTS",
    "Agent",
    "AntColonyAgent",
    "AntColonyConfig",
    "BayesianAgent",
    "BayesianConfig",
    "CMAESAgent",
    "CMAESConfig",
    "GBRLAgent",
    "GBRLConfig",
    "GPAgent",
    "GPConfig",
    "GammaAgent",
    "GammaConfig",
    "GeneticAgent",
    "GeneticConfig",
    "Hyperparameters",
    "LocalSearchAgent",
    "LocalSearchConfig",
    "LoopAgent",
    "MaskedPPOAgent",
    "MaskedPPOConfig",
    "NSGA2Agent",
    "NSGA2Config",
    "OptunaAgent",
    "PPOAgent",
    "PPOConfig",
    "Point",
    "PointsAgent",
    "PolicyGradientAgent",
    "PolicyGradientConfig",
    "PortfolioAgent",
    "PortfolioConfig",
    "RandomForestAgent",
    "RandomForestConfig",
    "RandomWalkAgent",
    "RandomWalkConfig",
    "SimulatedAnnealingAgent",
    "SimulatedAnnealingConfig",
    "SobolAgent",
    "SobolConfig",
    "TPEAgent",
    "TPEConfig",
    "TreeSearchAgent",
    "TreeSearchConfig",
    "bounded",
    "resolve_agent",
]

AGENTS: dict[str, type[Agent]] = {
    agent.name: agent
    for agent in (
        RandomWalkAgent,
        SobolAgent,
        LocalSearchAgent,
        SimulatedAnnealingAgent,
        GeneticAgent,
        GammaAgent,
        AntColonyAgent,
        BayesianAgent,
        RandomForestAgent,
        TreeSearchAgent,
        PolicyGradientAgent,
        TPEAgent,
        NSGA2Agent,
        CMAESAgent,
        GPAgent,
        PPOAgent,
        MaskedPPOAgent,
        GBRLAgent,
        PortfolioAgent,
    )
}
"""Every agent by name; optional libraries are imported when an agent is made."""


def resolve_agent(
    agent: str | type[Agent] | Callable[..., Agent],
    hyperparameters: Mapping[str, Any] | Hyperparameters | None = None,
) -> tuple[str, Callable[..., Agent], Hyperparameters | None]:
    """Return name, factory and configuration of an agent.

    Args:
        agent: A registered name, a class, or a callable that takes an agent's arguments.
        hyperparameters: Values by name, or a configuration object; default the agent's own.

    Raises:
        UnknownNameError: no agent has this name.
        InvalidConfigError: a hyperparameter is unknown or not allowed.
        MissingExtraError: a library that the agent needs is not installed.
    """
    if isinstance(agent, str):
        if agent not in AGENTS:
            raise UnknownNameError.of("agent", agent, AGENTS)
        agent = AGENTS[agent]
    if isinstance(agent, type) and issubclass(agent, Agent):
        agent.require_modules()
    if isinstance(hyperparameters, Hyperparameters):
        config: Hyperparameters | None = hyperparameters
    elif isinstance(agent, type) and issubclass(agent, Agent):
        config = agent.Config.from_dict(hyperparameters or {})
    elif hyperparameters:
        raise InvalidConfigError(
            "Hyperparameters by name need an agent's name or class; "
            "a factory takes a configuration object, or sets them itself."
        )
    else:
        config = None
    names = (getattr(agent, "name", None), getattr(agent, "__name__", None), type(agent).__name__)
    return next(str(name) for name in names if name), agent, config
