"""Neural networks: heads, numbers beside tokens, resumption, the way to transformers."""

from dataclasses import replace

import numpy as np
import pytest

from costmodel.models import make_model
from costmodel.models._model import NoCheckpoint
from costmodel.models._safetensors import Arrays
from costmodel.testing import FLOPS, REGISTERS, sample_dataset

torch = pytest.importorskip("torch", reason="torch is not installed")
torch.set_num_threads(1)

from costmodel.errors import DatasetError  # noqa: E402
from costmodel.models._encoder import channels  # noqa: E402
from costmodel.models._neural import NeuralConfig  # noqa: E402
from costmodel.models._paper import PaperConfig  # noqa: E402
from costmodel.models._paper_network import PaperNetwork  # noqa: E402
from costmodel.models._training import (  # noqa: E402
    Examples,
    Tokens,
    Training,
    batches,
    bin_centers,
    epochs_of,
    gauss_shares,
)

SMALL = {"epochs": 3, "width": 16, "max_tokens": 48}


def test_a_goal_is_the_mean_of_its_shares():
    goals = torch.linspace(-3, 6, 50)
    shares = gauss_shares(goals, 64)
    np.testing.assert_allclose(shares.sum(dim=-1), 1.0, atol=1e-5)
    np.testing.assert_allclose(shares @ bin_centers(64), goals, atol=0.12)
    assert (bin_centers(64).diff() > 0).all()


def test_numbers_stand_beside_tokens_with_what_divides_them():
    got = channels(np.array([np.nan, 32.0, 24.0, 0.5, 1e300]))
    assert got[0].tolist() == [0] * 7
    assert got[1, [0, 2, 3, 4, 5, 6]].tolist() == [1, 1, 1, 1, 1, 0]
    assert got[2, [0, 2, 3, 4, 5, 6]].tolist() == [1, 0, 1, 0, 0, 0]
    assert got[3, [0, 2, 3]].tolist() == [1, 0, 0]
    assert np.isfinite(got).all()


class InterruptedTrainingError(Exception):
    """The training is cut off."""


class Memory:
    """A checkpoint that interrupts after some epochs."""

    def __init__(self, epochs: int) -> None:
        self.kept: dict[str, Arrays] = {}
        self.left = epochs

    def load(self, name: str) -> Arrays | None:
        return self.kept.get(name)

    def save(self, name: str, arrays: Arrays) -> None:
        self.kept[name] = {key: value.copy() for key, value in arrays.items()}
        self.left -= 1
        if self.left == 0:
            raise InterruptedTrainingError


@pytest.mark.parametrize("name", ["paper-conv1d-op", "encoder"])
def test_an_interrupted_training_ends_as_if_it_had_not_been(name: str):
    if name == "encoder":
        pytest.importorskip("transformers", reason="transformers is not installed")
    settings = SMALL
    dataset = sample_dataset(60)
    whole = make_model(name, **settings).fit(dataset, [REGISTERS])
    memory = Memory(epochs=2)
    with pytest.raises(InterruptedTrainingError):
        make_model(name, **settings).fit(dataset, [REGISTERS], checkpoint=memory)
    resumed = make_model(name, **settings).fit(dataset, [REGISTERS], checkpoint=memory)
    texts = dataset.texts[:8]
    np.testing.assert_allclose(
        resumed.predict(texts).mean, whole.predict(texts).mean, rtol=1e-4, atol=1e-4
    )


def test_transformers_reads_the_encoder(tmp_path):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    model = make_model("encoder", epochs=1, width=16, layers=1, max_tokens=48)
    model.fit(sample_dataset(40), [REGISTERS])
    model.save_transformers(tmp_path)
    again = transformers.AutoModel.from_pretrained(tmp_path)
    for name, value in model._network.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value)
    fast = transformers.PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"))
    assert len(fast) == again.config.vocab_size


def _tokens(lengths: list[int]) -> list[Tokens]:
    nothing = np.empty(0, dtype=np.float32)
    return [
        Tokens(np.ones(n, dtype=np.int32), np.empty((n, 0), dtype=np.float32), nothing)
        for n in lengths
    ]


def test_every_text_is_in_one_batch_beside_texts_of_like_length():
    lengths = [int(n) for n in np.random.default_rng(0).integers(1, 400, 500)]
    found = list(batches(_tokens(lengths), np.random.default_rng(1).permutation(500), 32))
    assert sorted(np.concatenate(found)) == list(range(500))
    padded = sum(len(one) * max(lengths[i] for i in one) for one in found)
    assert padded < 1.1 * sum(lengths)


def test_many_programs_are_learnt_from_fewer_times():
    config = NeuralConfig(epochs=20, batch=32, max_steps=8000)
    assert epochs_of(config, 5_000) == 20
    assert epochs_of(config, 32_000) == 8
    assert epochs_of(config, 10_000_000) == 4


def test_the_state_after_the_last_word_is_what_a_packed_sequence_gives():
    torch.manual_seed(0)
    network = PaperNetwork(PaperConfig(network="lstm", width=8, hidden=8), 30, 2)
    ids = torch.randint(1, 30, (5, 12))
    lengths = torch.tensor([12, 3, 1, 7, 12])
    mask = torch.arange(12) < lengths[:, None]
    words = network.embedding(ids * mask)
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        words, lengths, batch_first=True, enforce_sorted=False
    )
    torch.testing.assert_close(network._lstm(words, mask), network.lstm(packed)[1][0][-1])


class Scripted(torch.nn.Module):
    """Gives its one weight for each text, which every epoch moves up."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, ids, channels, features, mask):
        return self.weight.expand(len(ids), 1)


def test_the_best_epoch_stays_and_a_training_that_helps_no_more_ends():
    tokens = _tokens([4] * 8)
    learn = Examples(tokens, np.full((8, 1), 1.0, dtype=np.float32))
    watch = Examples(tokens, np.full((8, 1), 0.3, dtype=np.float32))
    network = Scripted()
    config = NeuralConfig(epochs=200, batch=8, learning_rate=0.1, device="cpu")
    training = Training(network, config, learn, watch, "network")
    training.run(lambda what, done, total: None, NoCheckpoint())
    best = int(np.argmin(training.errors)) + 1
    assert training.best_epoch == best
    assert len(training.errors) == best + 5 < 200
    assert (network.weight.item() - 0.3) ** 2 == pytest.approx(training.errors[best - 1], rel=1e-4)


def test_an_encoder_learns_from_analytic_labels_first():
    pytest.importorskip("transformers", reason="transformers is not installed")
    dataset = sample_dataset(60)
    few = replace(
        dataset,
        labels={
            FLOPS: dataset.labels[FLOPS],
            REGISTERS: np.where(np.arange(60) < 24, dataset.labels[REGISTERS], np.nan),
        },
    )
    settings = {**SMALL, "epochs": 1, "layers": 1}
    plain = make_model("encoder", **settings).fit(few, [REGISTERS])
    first = make_model("encoder", pretraining_epochs=2, **settings).fit(few, [REGISTERS])
    again = make_model("encoder", pretraining_epochs=2, **settings).fit(few, [REGISTERS])
    texts = dataset.texts[:6]
    assert not np.allclose(first.predict(texts).mean, plain.predict(texts).mean)
    np.testing.assert_array_equal(first.predict(texts).mean, again.predict(texts).mean)
    none = replace(few, labels={REGISTERS: few.labels[REGISTERS]})
    with pytest.raises(DatasetError, match="no analytic labels"):
        make_model("encoder", pretraining_epochs=2, **settings).fit(none, [REGISTERS])
