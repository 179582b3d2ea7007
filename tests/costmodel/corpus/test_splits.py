from costmodel.corpus import SPLITS, TEST_FAMILIES, VALID_FAMILIES
from costmodel.corpus._kernels import KERNELS
from costmodel.corpus._splits import assign_splits
from costmodel.corpus.families import JAX_FAMILIES, TORCH_FAMILIES


def _rows(number):
    return [
        {
            "id": f"row{program}-{schedule}",
            "program": f"program{program}",
            "family": ("resnet", "llama", "gru")[program % 3],
            "shape_key": f"structure{program % 40}",
            "schedule": "[]" if schedule == 0 else f'[{{"step": "unroll", "factor": {schedule}}}]',
        }
        for program in range(number)
        for schedule in range(4)
    ]


def test_held_out_families_exist_and_are_held_out_once():
    known = {*JAX_FAMILIES, *TORCH_FAMILIES, *KERNELS}
    assert known >= TEST_FAMILIES | VALID_FAMILIES
    assert not TEST_FAMILIES & VALID_FAMILIES


def test_there_are_at_least_forty_families():
    assert len({*JAX_FAMILIES, *TORCH_FAMILIES}) >= 40


def test_a_larger_corpus_keeps_the_parts_of_a_smaller_one():
    small, large = assign_splits(_rows(50)), assign_splits(_rows(500))
    for split in ("split_random", "split_family", "split_schedule"):
        assert [one[split] for one in small] == [one[split] for one in large[: len(small)]]


def test_a_program_is_on_one_side_of_every_split_but_that_of_schedules():
    rows = _rows(300)
    sides = {}
    for row, parts in zip(rows, assign_splits(rows), strict=True):
        for split in SPLITS[:3]:
            assert sides.setdefault((split, row["program"]), parts[split]) == parts[split]


def test_held_out_schedules_belong_to_programs_that_training_has():
    rows = _rows(300)
    parts = assign_splits(rows)
    trained = {
        row["program"]
        for row, part in zip(rows, parts, strict=True)
        if part["split_schedule"] == "train"
    }
    held_out = [
        row["program"]
        for row, part in zip(rows, parts, strict=True)
        if part["split_schedule"] == "test"
    ]
    assert held_out
    assert set(held_out) <= trained


def test_held_out_shapes_belong_to_structures_that_training_has():
    rows = _rows(300)
    parts = assign_splits(rows)
    by_part = {name: set() for name in ("train", "valid", "test")}
    for row, part in zip(rows, parts, strict=True):
        by_part[part["split_shape"]].add(row["shape_key"])
    assert by_part["test"]
    assert by_part["test"] | by_part["valid"] <= by_part["train"]


def test_about_a_tenth_of_the_programs_is_held_out_at_random():
    parts = [one["split_random"] for one in assign_splits(_rows(2000))]
    assert 0.08 < parts.count("test") / len(parts) < 0.12
    assert 0.08 < parts.count("valid") / len(parts) < 0.12
