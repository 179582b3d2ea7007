"""Neural networks: heads, numbers beside tokens, resumption, the way to transformers."""

import numpy as np
import pytest

from costmodel.models import make_model
from costmodel.models._safetensors import Arrays
from costmodel.testing import REGISTERS, sample_dataset

torch = pytest.importorskip("torch", reason="torch is not installed")
torch.set_num_threads(1)

from costmodel.models._encoder import channels  # noqa: E402
from costmodel.models._neural import bin_centers, gauss_shares  # noqa: E402

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
