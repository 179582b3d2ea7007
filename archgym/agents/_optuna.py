"""What agents that wrap a sampler of Optuna share: ask and tell.

Akiba et al., "Optuna: a next-generation hyperparameter optimization framework", KDD 2019. Ordered
parameters are integers (their index), the others categorical; conditional ones are suggested only
while active. A design that violates a constraint of the space is told the reward of the worst
feasible one so far, without an evaluation, and the sampler is asked again; one that proves
infeasible is told the same. Samplers for continuous parameters may settle on designs that are
known already: after ten in a row, the study is handed a random new one.
"""

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from archgym.agents._agent import Agent, Hyperparameters, Indices
from archgym.space import Design, DesignSpace
from archgym.trials import Trial

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.study import Study

# A sampler that proposes this many illegal designs in a row is helped out by a random legal one.
MAX_REPAIRS = 20

# So many designs in a row that were evaluated before mean that a sampler has settled.
MAX_REPEATS = 10


class OptunaAgent(Agent):
    """Any Optuna sampler as an agent: subclass it and return the sampler.

    Example:
        >>> class UniformAgent(OptunaAgent):
        ...     name = "uniform"
        ...
        ...     def sampler(self):
        ...         return optuna.samplers.RandomSampler(seed=self.seed)
        >>> archgym.search("archgym/DRAM-v0", UniformAgent, budget=30, seed=0).evaluations
        30
    """

    modules: ClassVar[tuple[str, ...]] = ("optuna",)
    extra: ClassVar[str] = "optuna"

    most_objectives: ClassVar[int | None] = None
    """Objectives that the sampler can deal with; above, it maximises ``Trial.reward``."""

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
        most = self.most_objectives
        self._scalar = objectives == 1 or (most is not None and objectives > most)
        self._study = self._new_study()
        self._pending: list[Any] = []
        self._known: set[tuple[int, ...]] = set()
        self._repeats = 0
        self._worst: tuple[float, ...] | None = None

    def _new_study(self) -> "Study":
        import optuna

        count = 1 if self._scalar else self.objectives
        level = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            sampler = self._made_sampler()
            return optuna.create_study(sampler=sampler, directions=["maximize"] * count)
        finally:
            optuna.logging.set_verbosity(level)

    def _made_sampler(self) -> "BaseSampler":
        import optuna

        with warnings.catch_warnings():
            # Experimental samplers were asked for by name; arguments that a later major version
            # drops are safe, as that version is not allowed.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            warnings.simplefilter("ignore", FutureWarning)
            return self.sampler()

    @abstractmethod
    def sampler(self) -> "BaseSampler":
        """Return the sampler, made from ``self.seed`` and ``self.config``."""

    def suggest(self, trial: Any) -> Design:
        """Return the design that an Optuna trial suggests."""
        return self.space.suggest(trial)

    def parameters(self, indices: Indices) -> dict[str, Any]:
        """Return the Optuna parameters for which `suggest` gives the design of these indices."""
        return self.space.to_optuna(self.space.decode(indices))

    def ask(self) -> list[Design]:
        """Return as many designs as the configuration's ``batch``, or one."""
        self._pending = []
        return [self._legal_design() for _ in range(getattr(self.config, "batch", 1))]

    def _legal_design(self) -> Design:
        from optuna.trial import TrialState

        for _ in range(MAX_REPAIRS):
            trial = self._study.ask()
            design = self.suggest(trial)
            if not self.space.constraints or self.space.is_legal(design):
                self._pending.append(trial)
                return design
            if self._worst is None:
                self._study.tell(trial, state=TrialState.FAIL)
            else:
                self._study.tell(trial, list(self._worst))
        self._pending.append(None)
        return self.space.sample(self.rng)

    def tell(self, trials: Sequence[Trial]) -> None:
        """Tell the study the rewards of the designs asked for, in the order they were asked."""
        for pending, trial in zip(self._pending, trials, strict=False):
            values = (trial.reward,) if self._scalar else trial.rewards
            if trial.feasible:
                worst = self._worst or values
                self._worst = tuple(min(pair) for pair in zip(worst, values, strict=True))
            elif self._worst is not None:
                values = self._worst
            if pending is not None:
                self._study.tell(pending, list(values))
            self._known.add(trial.indices)
            self._repeats = self._repeats + 1 if trial.cached else 0
        if self._repeats >= MAX_REPEATS:
            self._unsettle()

    def _unsettle(self) -> None:
        """Queue a random design that is not known yet, as far as one is found."""
        drawn = self.space.sample_indices(self.rng, MAX_REPAIRS)
        new = next((row for row in drawn if tuple(row.tolist()) not in self._known), drawn[0])
        self._study.enqueue_trial(self.parameters(new))
        self._repeats = 0
