"""What all neural networks share: labels on one scale, a part to watch, files, prediction."""

import contextlib
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from costmodel._dataset import Dataset
from costmodel.errors import ModelError
from costmodel.features import Parsed
from costmodel.models._model import Checkpoint, Model, Progress, check_enough, known_rows
from costmodel.models._safetensors import Arrays
from costmodel.models._target import Values, describe_targets, scale
from costmodel.models._training import Examples, Tokens, Training, import_torch, outputs

__all__ = ["NeuralConfig", "NeuralModel", "Tokens", "import_torch"]

if TYPE_CHECKING:
    import torch

_WATCHED_SHARE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuralConfig:
    """Hyperparameters of training a network."""

    width: int = 64
    """Numbers in an embedding."""
    max_tokens: int = 512
    """Tokens of a text that are read."""
    epochs: int = 20
    """Times that each program is learnt from at most."""
    max_steps: int = 6000
    """Steps in all after which no further epoch begins, though four are made in any case: many
    programs are learnt from fewer times."""
    batch: int = 32
    """Programs in a step."""
    learning_rate: float = 1e-3
    """Peak step size of AdamW; it warms up and decays."""
    weight_decay: float = 0.01
    """Decay of AdamW."""
    dropout: float = 0.1
    """Share of activations that are dropped in training."""
    head: Literal["regression", "bins"] = "regression"
    """Squared error, or a distribution over bins of the value (HL-Gauss)."""
    bins: int = 64
    """Bins of each target, if the head has bins."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train; auto is a GPU if there is one."""
    threads: int = 1
    """Threads on a CPU; the last digits depend on it."""
    seed: int = 0
    """Seed of initial weights, order and dropout."""


class NeuralModel(Model):
    """A network from tokens to standardised values of all targets at once."""

    config_type: ClassVar[type[Any]] = NeuralConfig
    config: Any

    def __init__(self, config: Any = None) -> None:
        super().__init__(config)
        self._network: torch.nn.Module | None = None
        self._mean = np.empty(0)
        self._spread = np.empty(0)
        self._watched: tuple[list[bytes], Values] = ([], np.empty((0, 0)))
        self.epochs: tuple[int, int] = (0, 0)
        """The epoch whose weights stayed, and how many were planned."""

    # ------------------------------------------------------------------ of a subclass

    @abstractmethod
    def _prepare(self, texts: list[bytes]) -> None:
        """Learn what turning texts into tokens needs."""

    @abstractmethod
    def _tokens(self, texts: list[bytes]) -> list[Tokens]:
        """Return the tokens of texts."""

    @abstractmethod
    def _build(self, outputs: int) -> "torch.nn.Module":
        """Return an untrained network: (ids, channels, features, mask) to ``outputs`` numbers."""

    def _pretrain(self, progress: Progress, checkpoint: Checkpoint) -> None:
        """Learn from other labels first; by default nothing."""

    # ------------------------------------------------------------------ of all

    def fit(self, dataset: Dataset, targets: Any, **others: Any) -> Self:
        """Learn as :meth:`Model.fit` does; epochs are compared on what intervals are made from."""
        names = tuple(targets)
        calibration: Dataset | None = others.pop("calibration", None)
        if names and calibration is None:
            check_enough(dataset, names)
            labelled = dataset.labelled(names)
            dataset, calibration = labelled.halves(_WATCHED_SHARE, self.config.seed)
        if names and calibration is not None:
            texts, labels = known_rows(calibration, names)
            self._watched = texts, scale(describe_targets(names), labels)
        super().fit(dataset, names, calibration=calibration, **others)
        self._watched = ([], np.empty((0, 0)))
        return self

    def _fit(
        self, texts: list[bytes], labels: Values, progress: Progress, checkpoint: Checkpoint
    ) -> None:
        torch = import_torch()
        self._mean = np.nanmean(labels, axis=0)
        self._spread = np.maximum(np.nanstd(labels, axis=0), 1e-6)
        self._prepare(texts)
        with torch.random.fork_rng(), _threads(self.config.threads):
            torch.manual_seed(self.config.seed)
            self._network = self._build(self._width_of(len(self.targets)))
            self._pretrain(progress, checkpoint)
            learn, watch = self._examples(texts, labels), self._examples(*self._watched)
            training = Training(self._network, self.config, learn, watch, "network")
            training.run(progress, checkpoint)
        self.epochs = training.best_epoch or training.epochs, training.epochs

    def _examples(self, texts: list[bytes], labels: Values) -> Examples:
        if not texts:
            return Examples([], np.empty((0, 0), dtype=np.float32))
        goals = (labels - self._mean) / self._spread
        return Examples(self._tokens(texts), goals.astype(np.float32))

    def _width_of(self, targets: int) -> int:
        return targets * (self.config.bins if self.config.head == "bins" else 1)

    def _predict(self, programs: Parsed, which: list[int]) -> Values:
        if self._network is None:
            raise ModelError("The model has learnt nothing yet. Call fit, or load one.")
        if not programs.texts:
            return np.empty((0, len(which)))
        with _threads(self.config.threads):
            found = outputs(self._network, self._tokens(list(programs.texts)), self.config)
        return (found * self._spread + self._mean)[:, which]

    def _arrays(self) -> Arrays:
        if self._network is None:
            raise ModelError("The model has learnt nothing yet. Call fit, or load one.")
        state = self._network.state_dict()
        weights = {f"network.{name}": value.cpu().numpy() for name, value in state.items()}
        return {**weights, "labels.mean": self._mean, "labels.spread": self._spread}

    def _restore(self, arrays: Arrays, extra: Mapping[str, Any]) -> None:
        torch = import_torch()
        self._mean, self._spread = arrays["labels.mean"], arrays["labels.spread"]
        if self._mean.shape != self._spread.shape != (len(self.targets),):
            raise ModelError("The network is damaged: it is of other targets. Save it again.")
        with torch.random.fork_rng():
            network = self._build(self._width_of(len(self.targets)))
        state = {
            name.removeprefix("network."): torch.from_numpy(array)
            for name, array in arrays.items()
            if name.startswith("network.")
        }
        try:
            network.load_state_dict(state)
        except RuntimeError as error:
            raise ModelError(
                f"The network is damaged: {str(error).splitlines()[-1].strip()} Save it again."
            ) from error
        self._network = network


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """Let torch use this many threads, so that results do not depend on the machine's cores."""
    torch = import_torch()
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
