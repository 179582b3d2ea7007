"""Optuna's samplers as agents: one thin class each over the same ask and tell.

Akiba et al., "Optuna: a next-generation hyperparameter optimization framework", KDD 2019. Ordered
parameters are integers (their index), the others categorical; conditional ones are suggested only
while active. A design that violates a constraint of the space is told the reward of the worst
feasible one so far, without an evaluation, and the sampler is asked again; one that proves
infeasible is told the same. Samplers for continuous parameters may settle on designs that are
known already: after ten in a row, the study is handed a random new one.
"""

import math
import warnings
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from archgym.agents._agent import Agent, Hyperparameters, Indices, bounded
from archgym.space import Categorical, Design, DesignSpace, Integer, Ordinal, Real
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TPEConfig(Hyperparameters):
    """Hyperparameters of :class:`TPEAgent`."""

    startup: int = bounded(10, 1)
    """Random designs before the first model."""

    candidates: int = bounded(24, 1)
    """Designs drawn from the good density, the best of which is taken."""

    multivariate: bool = True
    """Whether one density covers all parameters that are always active, or each has its own."""

    batch: int = bounded(1, 1)
    """Designs asked for at a time; those pending count as bad."""

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the ranges over which the agent is tuned."""
        return DesignSpace(
            [
                Integer(name="startup", low=5, high=100, step=5),
                Ordinal(name="candidates", values=(8, 16, 24, 32, 64, 128, 256)),
                Categorical(name="multivariate", choices=(False, True)),
            ]
        )


class TPEAgent(OptunaAgent):
    """Tree-structured Parzen estimator (Optuna's TPESampler), one or several objectives.

    Bergstra et al., "Algorithms for hyper-parameter optimization", NeurIPS 2011; Watanabe,
    "Tree-structured Parzen estimator: understanding its algorithm components", arXiv:2304.11127.

    Defaults: Optuna's own.
    """

    name: ClassVar[str] = "tpe"
    Config = TPEConfig
    config: TPEConfig

    def sampler(self) -> "BaseSampler":
        """Return Optuna's TPESampler."""
        from optuna.samplers import TPESampler

        return TPESampler(
            n_startup_trials=self.config.startup,
            n_ei_candidates=self.config.candidates,
            # Optuna falls back to separate densities for several objectives; so does this.
            multivariate=self.config.multivariate and self._scalar,
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NSGA2Config(Hyperparameters):
    """Hyperparameters of :class:`NSGA2Agent`."""

    population: int = bounded(32, 2)
    """Designs per generation."""

    mutation_probability: float = bounded(0.0, 0.0, 1.0)
    """Probability that a parameter is drawn afresh; 0 is one over the number of parameters."""

    crossover_probability: float = bounded(0.9, 0.0, 1.0)
    """Share of children with two parents."""

    swapping_probability: float = bounded(0.5, 0.0, 1.0)
    """Probability that a parameter comes from the second parent."""

    batch: int = bounded(16, 1)
    """Designs asked for at a time; a generation is complete only between batches."""

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the ranges over which the agent is tuned."""
        return DesignSpace(
            [
                Integer(name="population", low=8, high=128, step=4),
                Real(name="mutation_probability", low=0.0, high=0.5, steps=21),
                Real(name="crossover_probability", low=0.0, high=1.0, steps=21),
                Real(name="swapping_probability", low=0.0, high=1.0, steps=21),
            ]
        )


class NSGA2Agent(OptunaAgent):
    """NSGA-II (Optuna's NSGAIISampler), native for several objectives.

    Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE TEC 6(2),
    2002.

    Defaults: Optuna's own, but a population of 32 instead of 50, so that a search of 500
    evaluations has fifteen generations.
    """

    name: ClassVar[str] = "nsga2"
    Config = NSGA2Config
    config: NSGA2Config

    def sampler(self) -> "BaseSampler":
        """Return Optuna's NSGAIISampler."""
        from optuna.samplers import NSGAIISampler

        return NSGAIISampler(
            population_size=self.config.population,
            mutation_prob=self.config.mutation_probability or None,
            crossover_prob=self.config.crossover_probability,
            swapping_prob=self.config.swapping_probability,
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CMAESConfig(Hyperparameters):
    """Hyperparameters of :class:`CMAESAgent`."""

    population: int = bounded(0, 0)
    """Designs per generation; 0 is 4 + floor(3 ln d) for d parameters."""

    startup: int = bounded(20, 1)
    """Random designs before the first generation; the search starts from the best of them."""

    sigma: float = bounded(0.5, 0.0)
    """Standard deviation of the first generation, as a share of every parameter's range."""

    patience: int = bounded(8, 1)
    """Generations without improvement before a restart."""

    margin: bool = True
    """Whether every index keeps a minimum probability (Hamano et al., "CMA-ES with margin", GECCO
    2022), without which the search freezes on a grid."""

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the ranges over which the agent is tuned."""
        return DesignSpace(
            [
                Ordinal(name="population", values=(0, 4, 8, 12, 16, 24, 32, 64)),
                Integer(name="startup", low=1, high=50),
                Real(name="sigma", low=0.05, high=0.6, steps=12),
                Integer(name="patience", low=2, high=32),
                Categorical(name="margin", choices=(False, True)),
            ]
        )


class CMAESAgent(OptunaAgent):
    """CMA-ES (Optuna's CmaEsSampler) on the index of every parameter; one objective.

    Hansen, "The CMA evolution strategy: a tutorial", arXiv:1604.00772. Optuna's sampler leaves
    categorical and conditional parameters to chance; here they are integers and always suggested,
    so that they are learnt as well.

    The search starts from the best of some random designs. After ``patience`` generations without
    improvement it restarts from others with twice the population: Auger and Hansen, "A restart CMA
    evolution strategy with increasing population size", CEC 2005.

    Defaults: with margin, as every design is on a grid, and three times Optuna's first standard
    deviation: with less, a parameter of two values hardly ever leaves the one it starts from.
    """

    name: ClassVar[str] = "cmaes"
    modules: ClassVar[tuple[str, ...]] = ("optuna", "cmaes")
    most_objectives: ClassVar[int | None] = 1
    Config = CMAESConfig
    config: CMAESConfig
    _restarts = 0
    _since_best = 0
    _best = -math.inf
    _start: tuple[int, ...] | None = None
    _told = 0

    @property
    def population(self) -> int:
        """Designs per generation since the last restart."""
        smallest: int = 4 + math.floor(3 * math.log(len(self.space)))
        return int(self.config.population or smallest) << self._restarts

    def sampler(self) -> "BaseSampler":
        """Return Optuna's CmaEsSampler."""
        from optuna.samplers import CmaEsSampler

        return CmaEsSampler(
            x0=None if self._start is None else self.parameters(np.array(self._start)),
            sigma0=self.config.sigma,
            popsize=self.population,
            n_startup_trials=self.config.startup,
            with_margin=self.config.margin,
            warn_independent_sampling=False,
            seed=self.seed + self._restarts,
        )

    def tell(self, trials: Sequence[Trial]) -> None:
        """Tell the study the rewards, and restart once the search has converged."""
        super().tell(trials)
        for trial in trials:
            better = trial.reward > self._best
            self._best = max(self._best, trial.reward)
            self._since_best = 0 if better else self._since_best + 1
            self._start = trial.indices if better else self._start
        self._told += len(trials)
        if self._told == self.config.startup:
            self._study.sampler = self._made_sampler()
        if self._since_best >= self.config.patience * self.population:
            self._best, self._since_best, self._told = -math.inf, 0, 0
            self._restarts += 1
            self._study = self._new_study()

    def _unsettle(self) -> None:
        """Do nothing: the search restarts instead."""

    def suggest(self, trial: Any) -> Design:
        """Return the design of one suggested index per parameter, active or not."""
        indices = [
            trial.suggest_int(parameter.name, 0, parameter.cardinality - 1)
            for parameter in self.space.parameters
        ]
        return self.space.decode(indices)

    def parameters(self, indices: Indices) -> dict[str, Any]:
        """Return every index by name."""
        return dict(zip(self.space.names, indices.tolist(), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class GPConfig(Hyperparameters):
    """Hyperparameters of :class:`GPAgent`."""

    startup: int = bounded(10, 1)
    """Random designs before the first model."""

    deterministic: bool = True
    """Whether equal designs have equal rewards, as with simulators."""

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the ranges over which the agent is tuned."""
        return DesignSpace([Integer(name="startup", low=5, high=100, step=5)])


class GPAgent(OptunaAgent):
    """Gaussian process (Optuna's GPSampler), one or several objectives; needs torch.

    Snoek, Larochelle and Adams, "Practical Bayesian optimization of machine learning algorithms",
    NeurIPS 2012.

    Defaults: Optuna's own, but deterministic. Much slower than the agent ``bayesian``: use it for
    expensive simulators.
    """

    name: ClassVar[str] = "gp"
    modules: ClassVar[tuple[str, ...]] = ("optuna", "torch")
    extra: ClassVar[str] = "optuna,rl"
    Config = GPConfig
    config: GPConfig

    def sampler(self) -> "BaseSampler":
        """Return Optuna's GPSampler."""
        from optuna.samplers import GPSampler

        return GPSampler(
            n_startup_trials=self.config.startup,
            deterministic_objective=self.config.deterministic,
            warn_independent_sampling=False,
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QMCConfig(Hyperparameters):
    """Hyperparameters of :class:`QMCAgent`."""

    scramble: bool = True
    """Whether the sequence is randomised by the seed."""

    batch: int = bounded(16, 1)
    """Designs asked for at a time; changes nothing but the speed of the simulator."""


class QMCAgent(OptunaAgent):
    """Quasi-random search by a Sobol sequence (Optuna's QMCSampler).

    Sobol, "On the distribution of points in a cube", USSR Comp. Math. 7(4), 1967; scrambled as in
    Owen, "Randomly permuted (t,m,s)-nets", 1995. Optuna leaves categorical and conditional
    parameters to chance; here every parameter is a coordinate of the sequence.

    The default is scrambled, as seeds would otherwise make no difference.
    """

    name: ClassVar[str] = "qmc"
    Config = QMCConfig
    config: QMCConfig

    def sampler(self) -> "BaseSampler":
        """Return Optuna's QMCSampler."""
        from optuna.samplers import QMCSampler

        return QMCSampler(
            scramble=self.config.scramble,
            warn_asynchronous_seeding=False,
            warn_independent_sampling=False,
            seed=self.seed,
        )

    suggest = CMAESAgent.suggest
    parameters = CMAESAgent.parameters
