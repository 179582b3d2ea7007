"""Training a network on batches of tokens: order, rate, loss, resumption, the epoch to keep."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from costmodel.errors import MissingDependencyError
from costmodel.models._model import Checkpoint, Progress
from costmodel.models._safetensors import Arrays

if TYPE_CHECKING:
    import torch

_PREDICT_ROWS = 64
_ROUND_TO = 8  # token counts of a batch, so that few shapes occur
_STRETCH = 64  # batches whose texts are sorted by length
_PATIENCE = 5
_LEAST_EPOCHS = 4


@dataclass(frozen=True, slots=True)
class Tokens:
    """One text as a network takes it."""

    ids: npt.NDArray[np.int32]
    channels: npt.NDArray[np.float32]
    """Numbers beside each token, one row each; no columns if the network has none."""
    features: npt.NDArray[np.float32]
    """Numbers of the text as a whole."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Texts, and their standardised labels (NaN: none)."""

    tokens: Sequence[Tokens]
    goals: npt.NDArray[np.float32]


class Training:
    """Trains a network; goes on from the last epoch that was kept.

    After each epoch the mean squared error on programs that are not learnt from is taken. The
    weights of the best epoch are those that stay, and five epochs in a row without a better one end
    the training.

    Args:
        network: Maps ids, channels, features and mask to the outputs of all heads.
        config: Hyperparameters.
        learn: What to learn from.
        watch: What the epochs are compared on; if it is empty, the last epoch stays.
        name: Under which the checkpoint keeps what is done.
    """

    def __init__(
        self, network: "torch.nn.Module", config: Any, learn: Examples, watch: Examples, name: str
    ) -> None:
        torch = import_torch()
        self.config, self.learn, self.watch, self.name = config, learn, watch, name
        wanted = config.device
        found = torch.cuda.is_available() if wanted == "auto" else wanted == "cuda"
        self.device = torch.device("cuda" if found else "cpu")
        self.network = network.to(self.device)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.epochs = epochs_of(config, len(learn.tokens))
        self.best: Arrays = {}
        self.best_error, self.best_epoch = float("inf"), 0
        self.errors: list[float] = []

    def run(self, progress: Progress, checkpoint: Checkpoint) -> None:
        """Train until the last epoch, or until no epoch helps any more."""
        torch = import_torch()
        for epoch in range(self._resume(checkpoint), self.epochs):
            if self._is_stuck(epoch):
                break
            progress("epoch", epoch, self.epochs)
            torch.manual_seed(self.config.seed * 100_003 + epoch)
            self._epoch(epoch)
            self._compare(epoch)
            checkpoint.save(self.name, self._state(epoch + 1))
        progress("done", self.epochs, self.epochs)
        if self.best:
            self._load(self.best)
        self.network.to("cpu")

    def _is_stuck(self, epoch: int) -> bool:
        return bool(self.watch.tokens) and epoch - self.best_epoch >= _PATIENCE

    def _epoch(self, epoch: int) -> None:
        torch = import_torch()
        self.network.train()
        tokens = self.learn.tokens
        seed = np.random.SeedSequence([self.config.seed, epoch])
        order = np.random.default_rng(seed).permutation(len(tokens))
        steps = list(batches(tokens, order, self.config.batch))
        on_gpu = self.device.type == "cuda"
        for step, index in enumerate(steps):
            self._set_rate((epoch + step / len(steps)) / self.epochs)
            inputs = collate([tokens[i] for i in index], self.device)
            goals = torch.from_numpy(self.learn.goals[index]).to(self.device)
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

    def _compare(self, epoch: int) -> None:
        if not self.watch.tokens:
            return
        found = outputs(self.network, self.watch.tokens, self.config)
        error = float(np.nanmean((found - self.watch.goals) ** 2))
        self.errors.append(error)
        if error < self.best_error:
            self.best_error, self.best_epoch = error, epoch + 1
            self.best = {k: v.clone().cpu().numpy() for k, v in self.network.state_dict().items()}

    def _load(self, weights: Arrays) -> None:
        torch = import_torch()
        self.network.load_state_dict({k: torch.from_numpy(v) for k, v in weights.items()})

    def _state(self, epochs: int) -> Arrays:
        arrays = {f"w.{k}": v.cpu().numpy() for k, v in self.network.state_dict().items()}
        arrays |= {f"b.{k}": v for k, v in self.best.items()}
        for i, moments in self.optimizer.state_dict()["state"].items():
            arrays |= {f"o.{i}.{k}": np.asarray(v.cpu().numpy()) for k, v in moments.items()}
        return {
            **arrays,
            "epochs": np.array([epochs, self.best_epoch]),
            "errors": np.array(self.errors, dtype=np.float64),
        }

    def _resume(self, checkpoint: Checkpoint) -> int:
        torch = import_torch()
        saved = checkpoint.load(self.name)
        if saved is None:
            return 0
        self._load({k[2:]: v for k, v in saved.items() if k.startswith("w.")})
        self.best = {k[2:]: v for k, v in saved.items() if k.startswith("b.")}
        self.errors = [float(x) for x in saved["errors"]]
        self.best_error = min(self.errors, default=float("inf"))
        state = self.optimizer.state_dict()
        for name, value in saved.items():
            if name.startswith("o."):
                _, number, moment = name.split(".", 2)
                state["state"].setdefault(int(number), {})[moment] = torch.from_numpy(value)
        self.optimizer.load_state_dict(state)
        self.best_epoch = int(saved["epochs"][1])
        return int(saved["epochs"][0])


def epochs_of(config: Any, programs: int) -> int:
    """Return for how many epochs to train: fewer, where an epoch has many steps."""
    steps = max(1, -(-programs // config.batch))
    return int(min(config.epochs, max(_LEAST_EPOCHS, config.max_steps // steps)))


def outputs(
    network: "torch.nn.Module", tokens: Sequence[Tokens], config: Any
) -> npt.NDArray[np.float64]:
    """Return the standardised values that a network gives for texts."""
    torch = import_torch()
    network.eval()
    device = next(network.parameters()).device
    parts = []
    order = []
    with torch.no_grad():
        for index in batches(tokens, np.arange(len(tokens)), _PREDICT_ROWS):
            raw = network(*collate([tokens[i] for i in index], device))
            parts.append(values(raw, config).double().cpu().numpy())
            order.append(index)
    found = np.concatenate(parts) if parts else np.empty((0, 0))
    back = np.argsort(np.concatenate(order)) if order else np.empty(0, dtype=np.int64)
    return np.asarray(found[back], dtype=np.float64)


def values(raw: Any, config: Any) -> Any:
    """Return standardised values from what a network gives."""
    if config.head == "regression":
        return raw
    shares = raw.view(len(raw), -1, config.bins).softmax(dim=-1)
    return shares @ bin_centers(config.bins).to(raw.device)


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


def batches(
    tokens: Sequence[Tokens], order: npt.NDArray[np.int64], size: int
) -> Iterator[npt.NDArray[np.int64]]:
    """Return the rows of each batch: texts of like length, so that little is padding."""
    stretch = size * _STRETCH
    lengths = np.array([len(one.ids) for one in tokens])
    found = []
    for begin in range(0, len(order), stretch):
        part = order[begin : begin + stretch]
        part = part[np.argsort(lengths[part], kind="stable")]
        found += [part[at : at + size] for at in range(0, len(part), size)]
    mixed = np.random.default_rng(np.random.SeedSequence(int(order[0]) if len(order) else 0))
    return iter([found[i] for i in mixed.permutation(len(found))])


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
