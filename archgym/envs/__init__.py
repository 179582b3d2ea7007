"""Registered environments: one file per problem, one entry in a plain dict."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import gymnasium

from archgym.errors import InvalidConfigError, UnknownNameError, did_you_mean
from archgym.problem import Problem

__all__ = ["REGISTRY", "ProblemSpec", "make", "make_problem", "register"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemSpec:
    """A registered problem and the environments over it."""

    id: str
    """Name for `make` and `make_problem`, as in ``archgym/DRAM-v0``."""

    problem: str
    """Where the `Problem` is: ``module:class``, imported on first use."""

    summary: str
    """One sentence for listings."""

    env: str = "archgym.env:ArchGymEnv"
    """Where its `gymnasium.Env` is; a subclass documents the problem."""

    vector_env: str = "archgym.vector:ArchGymVectorEnv"
    """Where its `gymnasium.vector.VectorEnv` is."""

    max_episode_steps: int = 100
    """Evaluations after which an episode is truncated."""


REGISTRY: dict[str, ProblemSpec] = {}


def register(spec: ProblemSpec) -> None:
    """Make a problem known by its id, here and in `gymnasium.make`.

    Raises:
        InvalidConfigError: the id is taken.
    """
    if spec.id in REGISTRY:
        raise InvalidConfigError(f"{spec.id!r} is registered already. Raise its version number.")
    REGISTRY[spec.id] = spec
    gymnasium.register(
        id=spec.id,
        entry_point=spec.env,
        vector_entry_point=spec.vector_env,
        kwargs={"problem": spec.id},
        max_episode_steps=spec.max_episode_steps,
    )


def make_problem(name: str, **config: Any) -> Problem:
    """Return the registered problem ``name``, configured by keyword arguments.

    Args:
        name: id of the problem, as in ``archgym/DRAM-v0``.
        **config: arguments of the problem's class.

    Raises:
        UnknownNameError: no problem has this name.
        InvalidConfigError: an argument is unknown or its value not allowed.
    """
    module, _, attribute = _spec(name).problem.partition(":")
    factory: Callable[..., Problem] = getattr(import_module(module), attribute)
    allowed = list(inspect.signature(factory).parameters)
    for argument in config:
        if argument not in allowed:
            raise InvalidConfigError(
                f"{name} has no argument {argument!r}.{did_you_mean(argument, allowed)} "
                f"Allowed: {', '.join(allowed)}."
            )
    return factory(**config)


def make(name: str, **arguments: Any) -> gymnasium.Env[Any, Any]:
    """Return the environment ``name``; the same as ``gymnasium.make("archgym:" + name)``.

    Args:
        name: id of the environment, as in ``archgym/DRAM-v0``.
        **arguments: of the environment, its problem, and `gymnasium.make`.

    Raises:
        UnknownNameError: no environment has this name.
    """
    spec = _spec(name)
    return gymnasium.make(spec.id, **arguments)


def _spec(name: str) -> ProblemSpec:
    spec = REGISTRY.get(name.removeprefix("archgym:"))
    if spec is None:
        raise UnknownNameError.of("environment", name, REGISTRY)
    return spec


register(
    ProblemSpec(
        id="archgym/DRAM-v0",
        problem="archgym.envs.dram:DRAMProblem",
        env="archgym.envs.dram:DRAMEnv",
        summary="Memory controller and DRAM device, simulated command by command.",
    )
)
register(
    ProblemSpec(
        id="archgym/Mapping-v0",
        problem="archgym.envs.mapping:MappingProblem",
        env="archgym.envs.mapping:MappingEnv",
        summary="Mapping of a DNN layer onto processing elements, costed as MAESTRO does.",
    )
)
register(
    ProblemSpec(
        id="archgym/Accelerator-v0",
        problem="archgym.envs.accelerator:AcceleratorProblem",
        env="archgym.envs.accelerator:AcceleratorEnv",
        summary="DNN accelerator for a layer or a network: array, scratchpads, shared buffer.",
    )
)
