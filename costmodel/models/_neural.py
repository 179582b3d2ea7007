"""What all neural networks share: training on batches of tokens, and prediction."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from costmodel.errors import MissingDependencyError, ModelError
from costmodel.features import Parsed
from costmodel.models._model import Checkpoint, Model, Progress
from costmodel.models._safetensors import Arrays
from costmodel.models._target import Values

if TYPE_CHECKING:
    import torch

_PREDICT_ROWS = 32
_ROUND_TO = 32  # token counts of a batch, so that few shapes occur


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuralConfig:
    """Hyperparameters of training a network."""

    width: int = 64
    """Numbers in an embedding."""
    max_tokens: int = 512
    """Tokens of a text that are read."""
    epochs: int = 20
    """Times that each program is learnt from."""
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
    seed: int = 0
    """Seed of initial weights, order and dropout."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """One text as a network takes it."""

    ids: npt.NDArray[np.int32]
    channels: npt.NDArray[np.float32]
    """Numbers beside each token, one row each; no columns if the network has none."""
    features: npt.NDArray[np.float32]
    """Numbers of the text as a whole."""


class NeuralModel(Model):
    """A network from tokens to standardised values of all targets at once."""

    config_type: ClassVar[type[Any]] = NeuralConfig
    config: Any

    def __init__(self, config: Any = None) -> None:
        super().__init__(config)
        self._network: torch.nn.Module | None = None
        self._mean = np.empty(0)
        self._spread = np.empty(0)

    # ------------------------------------------------------------------ of a subclass

    @abstractmethod
    def _prepare(self, texts: list[bytes]) -> None:
        """Learn what turning texts into tokens needs."""

    @abstractmethod
    def _tokens(self, text: bytes) -> Tokens:
        """Return a text's tokens."""

    @abstractmethod
    def _build(self, outputs: int) -> "torch.nn.Module":
        """Return an untrained network: (ids, channels, features, mask) to ``outputs`` numbers."""

    # ------------------------------------------------------------------ of all

    def _fit(
        self, texts: list[bytes], labels: Values, progress: Progress, checkpoint: Checkpoint
    ) -> None:
        torch = import_torch()
        self._mean = np.nanmean(labels, axis=0)
        self._spread = np.maximum(np.nanstd(labels, axis=0), 1e-6)
        self._prepare(texts)
        tokens = [self._tokens(text) for text in texts]
        goals = ((labels - self._mean) / self._spread).astype(np.float32)
        with torch.random.fork_rng():
            torch.manual_seed(self.config.seed)
            self._network = self._build(self._outputs())
            _Training(self, tokens, goals).run(progress, checkpoint)

    def _outputs(self) -> int:
        return len(self.targets) * (self.config.bins if self.config.head == "bins" else 1)

    def _predict(self, programs: Parsed, which: list[int]) -> Values:
        torch = import_torch()
        if self._network is None:
            raise ModelError("The model has learnt nothing yet. Call fit, or load one.")
        network = self._network.eval()
        device = next(network.parameters()).device
        out = np.empty((len(programs.texts), len(self.targets)))
        tokens = [self._tokens(text) for text in programs.texts]
        with torch.no_grad():
            for index in _batches(tokens, np.arange(len(tokens)), _PREDICT_ROWS):
                raw = network(*collate([tokens[i] for i in index], device))
                out[index] = self.values(raw).float().cpu().numpy()
        return (out * self._spread + self._mean)[:, which]

    def values(self, raw: Any) -> Any:
        """Return standardised values from what the network gives."""
        if self.config.head == "regression":
            return raw
        shares = raw.view(len(raw), len(self.targets), self.config.bins).softmax(dim=-1)
        return shares @ bin_centers(self.config.bins).to(raw.device)

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
            network = self._build(self._outputs())
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


class _Training:
    """Trains the network of a model; goes on from the last epoch that was kept."""

    def __init__(
        self, model: NeuralModel, tokens: list[Tokens], goals: npt.NDArray[np.float32]
    ) -> None:
        torch = import_torch()
        self.model, self.config = model, model.config
        self.tokens, self.goals = tokens, goals
        wanted = self.config.device
        found = torch.cuda.is_available() if wanted == "auto" else wanted == "cuda"
        self.device = torch.device("cuda" if found else "cpu")
        assert model._network is not None  # noqa: S101  # set by the caller
        self.network = model._network.to(self.device)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=self.config.learning_rate,
            weight_decay=self.config.weight_decay,
        )

    def run(self, progress: Progress, checkpoint: Checkpoint) -> None:
        """Train for all epochs."""
        torch = import_torch()
        first = self._resume(checkpoint)
        for epoch in range(first, self.config.epochs):
            progress("epoch", epoch, self.config.epochs)
            torch.manual_seed(self.config.seed * 100_003 + epoch)
            self._epoch(epoch)
            checkpoint.save("network", self._state(epoch + 1))
        progress("done", self.config.epochs, self.config.epochs)
        self.network.to("cpu")

    def _epoch(self, epoch: int) -> None:
        torch = import_torch()
        self.network.train()
        seed = np.random.SeedSequence([self.config.seed, epoch])
        order = np.random.default_rng(seed).permutation(len(self.tokens))
        batches = list(_batches(self.tokens, order, self.config.batch))
        on_gpu = self.device.type == "cuda"
        for step, index in enumerate(batches):
            self._set_rate((epoch + step / len(batches)) / self.config.epochs)
            inputs = collate([self.tokens[i] for i in index], self.device)
            goals = torch.from_numpy(self.goals[index]).to(self.device)
            with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=on_gpu):
                raw = self.network(*inputs)
            loss = self._loss(raw.float(), goals)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            self.optimizer.step()

    def _set_rate(self, done: float) -> None:
        warm = min(done / 0.05, 1.0)
        rate = self.config.learning_rate * warm * (0.5 + 0.5 * np.cos(np.pi * done))
        for group in self.optimizer.param_groups:
            group["lr"] = max(rate, 1e-7)

    def _loss(self, raw: Any, goals: Any) -> Any:
        torch = import_torch()
        known = torch.isfinite(goals)
        goals = torch.where(known, goals, torch.zeros_like(goals))
        if self.config.head == "regression":
            losses = (raw - goals) ** 2
        else:
            logits = raw.view(*goals.shape, self.config.bins)
            shares = gauss_shares(goals, self.config.bins)
            losses = -(shares * logits.log_softmax(dim=-1)).sum(dim=-1)
        return (losses * known).sum() / known.sum().clamp(min=1)

    def _state(self, epochs: int) -> Arrays:
        arrays = {f"w.{k}": v.cpu().numpy() for k, v in self.network.state_dict().items()}
        for i, moments in self.optimizer.state_dict()["state"].items():
            arrays |= {f"o.{i}.{k}": np.asarray(v.cpu().numpy()) for k, v in moments.items()}
        return {**arrays, "epochs": np.array([epochs])}

    def _resume(self, checkpoint: Checkpoint) -> int:
        torch = import_torch()
        saved = checkpoint.load("network")
        if saved is None:
            return 0
        weights = {k[2:]: torch.from_numpy(v) for k, v in saved.items() if k.startswith("w.")}
        self.network.load_state_dict(weights)
        state = self.optimizer.state_dict()
        for name, value in saved.items():
            if name.startswith("o."):
                _, number, moment = name.split(".", 2)
                state["state"].setdefault(int(number), {})[moment] = torch.from_numpy(value)
        self.optimizer.load_state_dict(state)
        return int(saved["epochs"][0])


def import_torch() -> Any:
    """Return torch.

    Raises:
        MissingDependencyError: If it is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingDependencyError(
            "Neural networks need torch, which is not installed: pip install 'archgym[neural]'. "
            "The models fast and trees do without."
        ) from error
    return torch


def _batches(
    tokens: Sequence[Tokens], order: npt.NDArray[np.int64], size: int
) -> Iterator[npt.NDArray[np.int64]]:
    # Texts of like length together, within stretches of the order, so that little is padding.
    stretch = size * 16
    lengths = np.array([len(one.ids) for one in tokens])
    batches = []
    for begin in range(0, len(order), stretch):
        part = order[begin : begin + stretch]
        part = part[np.argsort(lengths[part], kind="stable")]
        batches += [part[at : at + size] for at in range(0, len(part), size)]
    mixed = np.random.default_rng(np.random.SeedSequence(int(order[0]) if len(order) else 0))
    return iter([batches[i] for i in mixed.permutation(len(batches))])


def collate(batch: Sequence[Tokens], device: "torch.device") -> "tuple[torch.Tensor, ...]":
    """Return ids, channels, features and the mask of real tokens of several texts, padded."""
    torch = import_torch()
    longest = max(1, *(len(one.ids) for one in batch))
    longest += -longest % _ROUND_TO
    ids = np.zeros((len(batch), longest), dtype=np.int64)
    channels = np.zeros((len(batch), longest, batch[0].channels.shape[1]), dtype=np.float32)
    mask = np.zeros((len(batch), longest), dtype=bool)
    for row, one in enumerate(batch):
        ids[row, : len(one.ids)] = one.ids
        channels[row, : len(one.ids)] = one.channels
        mask[row, : len(one.ids)] = True
    features = np.stack([one.features for one in batch])
    arrays = (ids, channels, features, mask)
    return tuple(torch.from_numpy(array).to(device) for array in arrays)


def bin_centers(bins: int) -> Any:
    """Return the centres of the bins of a standardised value: finer around its mean."""
    torch = import_torch()
    return 2.0 * torch.sinh(torch.linspace(-2.0, 2.4, bins))


def gauss_shares(goals: Any, bins: int) -> Any:
    """Return what share of a Gaussian around each goal falls into each bin.

    Source: Imani and White, "Improving Regression Performance with Distributional Losses", ICML
    2018 (HL-Gauss). The Gaussian is 0.75 bins wide.
    """
    torch = import_torch()
    centers = bin_centers(bins).to(goals.device)
    edges = (centers[1:] + centers[:-1]) / 2
    position = torch.bucketize(goals, edges).clamp(1, bins - 2)
    widths = (centers[position + 1] - centers[position - 1]) / 2
    scaled = (edges - goals[..., None]) / (0.75 * widths[..., None] * 2.0**0.5)
    cumulative = 0.5 * (1.0 + torch.erf(scaled))
    zero, one = torch.zeros_like(goals)[..., None], torch.ones_like(goals)[..., None]
    return torch.diff(torch.cat([zero, cumulative, one], dim=-1), dim=-1)
