"""The cost model's experiments run, small."""

from costmodel.models import make_model
from costmodel.testing import FLOPS, sample_dataset
from experiments.benchmarks.costmodel_speed import Benchmark, measure
from experiments.validation.costmodel_fuzz import Fuzz, fuzz


def test_damaged_programs_neither_crash_nor_lose_tokens(tmp_path):
    folder = make_model("roofline").fit(sample_dataset(60), [FLOPS]).save_pretrained(tmp_path)
    found = fuzz(Fuzz(count=400, seed=1, model=str(folder)))
    assert (found.changed, found.infinite, found.example) == (0, 0, b"")


def test_speed_is_measured(tmp_path):
    folder = make_model("roofline").fit(sample_dataset(60), [FLOPS]).save_pretrained(tmp_path)
    speed = measure(Benchmark(model=str(folder), repeats=1))
    assert 1500 < speed.mean_bytes < 2500
    assert min(speed.tokenizer_mb_s, speed.features_mb_s, speed.rank_ms, speed.predict_ms) > 0
