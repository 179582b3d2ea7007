"""CMA-ES with margin on the grid of indices, restarted with growing populations."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from archgym.agents._agent import Hyperparameters, bounded
from archgym.agents._points import Point, PointsAgent
from archgym.space import Categorical, DesignSpace, Integer, Ordinal, Real

if TYPE_CHECKING:
    from cmaes import CMAwM


@dataclass(frozen=True, slots=True, kw_only=True)
class CMAESConfig(Hyperparameters):
    """Hyperparameters of :class:`CMAESAgent`."""

    population: int = bounded(0, 0)
    """Designs per generation; 0 is 4 + floor(3 ln d) for d parameters."""

    startup: int = bounded(20, 1)
    """Random designs before the first generation; the search starts from the best of them."""

    sigma: float = bounded(0.2, 0.0)
    """Standard deviation of the first generation, as a share of every parameter's range."""

    patience: int = bounded(8, 1)
    """Generations without improvement before a restart."""

    margin: bool = True
    """Whether every value keeps a minimum probability, without which the search freezes on a
    grid."""

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


class CMAESAgent(PointsAgent):
    """CMA-ES with margin on the index of every parameter; `cmaes.CMAwM` does the sampling.

    Hamano et al., "CMA-ES with margin: lower-bounding marginal probability for mixed-integer
    black-box optimization", GECCO 2022, after Hansen, "The CMA evolution strategy: a tutorial",
    arXiv:1604.00772. Categorical and conditional parameters are integers like all others and are
    always drawn, so that they are learnt as well.

    The search starts from the best of some random designs. After ``patience`` generations without
    improvement it restarts from others with twice the population: Auger and Hansen, "A restart CMA
    evolution strategy with increasing population size", CEC 2005.

    Defaults: with margin, as every design is on a grid, and a fifth of the range as the library's
    authors advise: with more, half of the first generation lies on the edges.
    """

    name: ClassVar[str] = "cmaes"
    modules: ClassVar[tuple[str, ...]] = ("cmaes",)
    extra: ClassVar[str] = "optuna"
    Config = CMAESConfig
    config: CMAESConfig

    def start(self) -> None:
        """Begin with random designs."""
        sizes = np.array([parameter.cardinality for parameter in self.space.parameters])
        self._free = np.flatnonzero(sizes > 1)
        self._sizes = sizes[self._free]
        self._restarts = 0
        self._begin()

    def _begin(self) -> None:
        self._optimiser: CMAwM | None = None
        self._best, self._since_best = math.inf, 0

    @property
    def population(self) -> int:
        """Designs per generation since the last restart."""
        smallest: int = 4 + math.floor(3 * math.log(len(self.space)))
        return int(self.config.population or smallest) << self._restarts

    def propose(self) -> Sequence[Point]:
        """Return random points at first, then one generation."""
        if self._optimiser is None:
            vectors = self.space.sample_indices(self.rng, self.config.startup)
            return list(self.space.unit_from_indices(vectors))
        drawn = [self._optimiser.ask() for _ in range(self.population)]
        self._raw = [raw for _, raw in drawn]
        points = np.full((len(drawn), len(self.space)), 0.5)
        points[:, self._free] = np.clip([on_grid for on_grid, _ in drawn], 0.0, 1.0)
        return list(points)

    def learn(self, points: Sequence[Point], losses: Sequence[float]) -> None:
        """Update the distribution, and restart once the search has converged."""
        if self._optimiser is None:
            # The library has no CMA-ES in one dimension: a space of one choice stays random.
            if len(self._free) > 1:
                self._optimiser = self._around(points[int(np.argmin(losses))])
        else:
            self._optimiser.tell(list(zip(self._raw, losses, strict=True)))
        best = min(losses)
        self._since_best = 0 if best < self._best else self._since_best + len(losses)
        self._best = min(best, self._best)
        if self._since_best >= self.config.patience * self.population:
            self._restarts += 1
            self._begin()

    def _around(self, start: Point) -> "CMAwM":
        """Return an optimiser whose first generation is around one point."""
        from cmaes import CMAwM

        # The middles of the bins that the unit interval is cut into, one bin per value.
        bounds = np.stack([0.5 / self._sizes, 1.0 - 0.5 / self._sizes], axis=1)
        return CMAwM(
            mean=start[self._free],
            sigma=self.config.sigma,
            bounds=bounds,
            steps=1.0 / self._sizes if self.config.margin else np.zeros(len(self._sizes)),
            population_size=self.population,
            seed=int(self.rng.integers(2**31)),
        )
