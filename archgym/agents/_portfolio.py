"""A portfolio: several agents share one budget, and the turns go to those that improve most."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from archgym.agents._agent import Agent, Hyperparameters, bounded
from archgym.agents._ant_colony import AntColonyAgent
from archgym.agents._bayesian import BayesianAgent
from archgym.agents._genetic import GeneticAgent
from archgym.agents._local_search import LocalSearchAgent
from archgym.agents._policy_gradient import PolicyGradientAgent
from archgym.pareto import pareto_mask
from archgym.space import Design, DesignSpace, Integer, Real
from archgym.trials import Trial

MEMBERS: tuple[type[Agent], ...] = (
    AntColonyAgent,
    PolicyGradientAgent,
    BayesianAgent,
    GeneticAgent,
    LocalSearchAgent,
)
"""Who shares the budget; each has its default hyperparameters."""

# Whose turn it is while the first, random designs are evaluated.
NOBODY = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioConfig(Hyperparameters):
    """Hyperparameters of :class:`PortfolioAgent`."""

    initial: int = bounded(20, 0)
    """Random designs before the first turn, at most a fifth of the budget; all members learn from
    them, so that none has to start with its own."""

    window: int = bounded(40, 1)
    """Turns that are remembered when members are compared."""

    exploration: float = bounded(0.15, 0.0)
    """Weight of the upper-confidence term that gives every member a turn now and then."""

    turn: int = bounded(8, 1)
    """Most designs evaluated in one turn; a member that asks for more continues in its next."""

    share: bool = True
    """Whether members learn from each other's designs."""

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the ranges over which the agent is tuned."""
        return DesignSpace(
            [
                Integer(name="initial", low=0, high=64, step=4),
                Integer(name="window", low=10, high=100, step=10),
                Real(name="exploration", low=0.01, high=1.0, steps=21, log=True),
                Integer(name="turn", low=1, high=32),
            ]
        )


class PortfolioAgent(Agent):
    """Several agents under one budget, chosen turn by turn by what their last turns brought.

    Credit is the area under the curve of a member's improvements in a sliding window, with an
    upper-confidence bonus, as in Ansel et al., "OpenTuner: an extensible framework for program
    autotuning", PACT 2014, section 3.2; of several objectives, whatever extends the front is an
    improvement. Members learn from each other's evaluations
    (`Agent.observe`), so that none spends budget on what another knows, and all start from the
    same random designs. That no agent is best everywhere is the finding of Krishnan et al.,
    "ArchGym", ISCA 2023, and of Dierkes et al., "carps", arXiv:2506.06143, 2025; a portfolio is the
    answer to it.

    Defaults: the five members need no optional library and differ in kind: statistics of single
    values, a policy, a surrogate model, a population, and a climber. Twenty designs are what the
    surrogate starts from; eight a turn give the window of forty turns some three hundred
    evaluations.
    """

    name: ClassVar[str] = "portfolio"
    Config = PortfolioConfig
    config: PortfolioConfig

    def __init__(
        self,
        space: DesignSpace,
        *,
        objectives: int = 1,
        budget: int,
        seed: int,
        config: Hyperparameters | None = None,
    ) -> None:
        super().__init__(space, objectives=objectives, budget=budget, seed=seed, config=config)
        seeds = np.random.SeedSequence(seed).generate_state(len(MEMBERS))
        self._members = [
            _Member(member(space, objectives=objectives, budget=budget, seed=int(own)))
            for member, own in zip(MEMBERS, seeds, strict=True)
        ]
        self._history: deque[tuple[int, bool]] = deque(maxlen=self.config.window)
        self._front: NDArray[np.float64] = np.empty((0, objectives))
        self._turn = 0

    def ask(self) -> list[Design]:
        """Return random designs at first, then the next of the member whose turn it is."""
        initial = min(self.config.initial, self.budget // 5) if self.config.share else 0
        if not len(self._front) and not self._history and initial:
            self._turn = NOBODY
            return self.decode(self.space.sample_indices(self.rng, initial))
        self._turn = self._next()
        return self._members[self._turn].ask(self.config.turn)

    def tell(self, trials: Sequence[Trial]) -> None:
        """Tell the member that asked, let the others look on, and note whether it paid."""
        if not trials:
            return
        improved = self._extend_front(trials)
        if self._turn != NOBODY:
            self._history.append((self._turn, improved))
            self._members[self._turn].tell(trials)
        fresh = [trial for trial in trials if not trial.cached]
        for i, member in enumerate(self._members):
            if self.config.share and i != self._turn and fresh:
                member.agent.observe(fresh)

    def _extend_front(self, trials: Sequence[Trial]) -> bool:
        """Keep the best rewards, of several objectives the front; return whether any is new."""
        rewards = self.rewards_of(trials)
        known = np.any(np.all(self._front[None] >= rewards[:, None], axis=2), axis=1)
        every = np.unique(np.concatenate([self._front, rewards[~known]]), axis=0)
        self._front = every[pareto_mask(every)]
        return not bool(np.all(known))

    def _next(self) -> int:
        turns = [[paid for i, paid in self._history if i == k] for k in range(len(self._members))]
        idle = [k for k, paid in enumerate(turns) if not paid]
        if idle:
            return idle[0]
        bonus = 2 * math.log2(len(self._history))
        scores = [
            _area(paid) + self.config.exploration * math.sqrt(bonus / len(paid)) for paid in turns
        ]
        return int(np.argmax(scores))


class _Member:
    """One agent of the portfolio, which may be asked for fewer designs than it wants to give."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self._waiting: list[Design] = []
        self._answers: list[Trial] = []

    def ask(self, most: int) -> list[Design]:
        """Return the next ``most`` designs of the agent's batch."""
        if not self._waiting:
            self._waiting = list(self.agent.ask())
        return self._waiting[:most]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Keep the answers until the agent's batch is complete."""
        self._answers += trials
        self._waiting = self._waiting[len(trials) :]
        if not self._waiting:
            self.agent.tell(self._answers)
            self._answers = []


def _area(paid: Sequence[bool]) -> float:
    """Return the area under the curve of improvements, late ones weighing more, from 0 to 1."""
    n = len(paid)
    return 2 * sum(k for k, improved in enumerate(paid, 1) if improved) / (n * (n + 1))
