# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Rank tile sizes with a learned cost model
#
# A compiler that tiles a matrix product has a hundred choices, and compiling and timing each takes
# a second. A model that reads the program as text answers in microseconds. Here one is trained on
# the shipped sample of labelled programs, tested, and asked to rank the tile sizes of a product it
# has never seen. Where the compilers are installed, its order is checked against theirs and against
# measured time. Needs `pip install 'archgym[costmodel]'`; the check needs `archgym[corpus]` too.

# %%
# ruff: noqa: D100, D103, E501
import os
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from string import Template

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from scipy.stats import spearmanr

import costmodel
from costmodel import CostModel, Dataset
from costmodel.evaluate import EvaluateConfig, evaluate, learning_curves, pivot
from costmodel.predict import doubts
from costmodel.train import TrainConfig, train

# Trees for each target (the shipped model has 110), and candidates that the compilers check.
ROUNDS = int(os.environ.get("ARCHGYM_NOTEBOOK_BUDGET", "60"))
CHECKED = int(os.environ.get("ARCHGYM_NOTEBOOK_CHECKED", "24"))
DEVICE = "x86-64-znver4"
CYCLES, SPILLS = f"{DEVICE}/mca_cycles", f"{DEVICE}/spills"
TARGETS = (CYCLES, SPILLS, f"{DEVICE}/executed_instructions")
SAMPLE = Path(costmodel.__file__).parent / "data" / "corpus" / "programs.parquet"

# %% [markdown]
# ## 1. The data: programs as text, and what compilers made of them
#
# Each row is a program in MLIR, as it came from a model or after a random schedule, with labels from
# real compilers. `card.md` beside the file says how it was made.

# %%
dataset = Dataset.read(SAMPLE)
labels = pd.DataFrame({name: dataset.labels[name] for name in TARGETS})
print(
    f"{len(dataset):,} rows, {len(set(dataset.groups())):,} programs, {len(dataset.targets)} labels"
)
print(labels.describe(percentiles=[0.5, 0.9]).round(1).to_string())
print(dataset.texts[int(np.argmin([len(text) for text in dataset.texts]))])

# %% [markdown]
# ## 2. Train
#
# `fast` is gradient-boosted trees on what a native parser reads from the text: loops, accesses,
# lives of values. The model is a folder; it holds numbers and no code. On the command line:
#
# ```sh
# costmodel train --data programs.parquet --model fast --split random --out runs/fast
# ```

# %%
with tempfile.TemporaryDirectory() as folder:
    config = TrainConfig(
        data=SAMPLE, out=Path(folder) / "fast", targets=TARGETS, set=(f"rounds={ROUNDS}",)
    )
    own = CostModel(train(config))
    size_kb = sum(path.stat().st_size for path in config.out.iterdir()) / 1e3
tested = pd.DataFrame(own.model.metrics["test"]).T
print(f"trained in {own.model.metrics['train_s']} s, {size_kb:.0f} kB")
print(tested[["rmse_range_pct", "spearman", "coverage_pct"]].round(3).to_string())

# %% [markdown]
# ## 3. The table and the curves
#
# One figure says little. The table compares models on programs held out at random and on families
# that were never seen; the roofline is what an engineer would write down, with its constants fitted.

# %%
with tempfile.TemporaryDirectory() as folder:
    evaluated = evaluate(
        EvaluateConfig(
            data=SAMPLE,
            out=Path(folder),
            models=("roofline", "fast"),
            targets=TARGETS,
            splits=("random", "family"),
            sizes=(300, 0),
            set=(f"fast.rounds={ROUNDS}",),
            repeats=50,
        )
    )
for split in ("random", "family"):
    print(f"RMSE, % of range, split {split}")
    print(pivot(evaluated, "rmse_range_pct", split).round(2).to_string())
learning_curves(evaluated, CYCLES, "rmse_range_pct")

# %% [markdown]
# ## 4. A product of matrices in 132 ways
#
# The text needs no compiler: a tile of C stays in registers while the loop over the depth brings
# pieces of A and B.

# %%
TILED = Template("""\
#rows = affine_map<(d0) -> (d0 * $tm)>
#columns = affine_map<(d0) -> (d0 * $tn)>
#a = affine_map<(d0, d1, d2) -> (d0, d2)>
#b = affine_map<(d0, d1, d2) -> (d2, d1)>
#c = affine_map<(d0, d1, d2) -> (d0, d1)>
func.func @kernel(%A: memref<${m}x${k}xf32>, %B: memref<${k}x${n}xf32>, %C: memref<${m}x${n}xf32>) {
  %pad = ub.poison : f32
  %zero = arith.constant 0.000000e+00 : f32
  %c0 = arith.constant 0 : index
  %depth = arith.constant $k : index
  %step = arith.constant $tk : index
  affine.for %i = 0 to $m {
    affine.for %j = 0 to $n {
      affine.store %zero, %C[%i, %j] : memref<${m}x${n}xf32>
    }
  }
  scf.forall (%x, %y) in ($rows, $columns) {
    %i = affine.apply #rows(%x)
    %j = affine.apply #columns(%y)
    %start = vector.transfer_read %C[%i, %j], %pad {in_bounds = [true, true]} : memref<${m}x${n}xf32>, vector<${tm}x${tn}xf32>
    %sum = scf.for %p = %c0 to %depth step %step iter_args(%acc = %start) -> (vector<${tm}x${tn}xf32>) {
      %a = vector.transfer_read %A[%i, %p], %pad {in_bounds = [true, true]} : memref<${m}x${k}xf32>, vector<${tm}x${tk}xf32>
      %b = vector.transfer_read %B[%p, %j], %pad {in_bounds = [true, true]} : memref<${k}x${n}xf32>, vector<${tk}x${tn}xf32>
      %next = vector.contract {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"], kind = #vector.kind<add>} %a, %b, %acc : vector<${tm}x${tk}xf32>, vector<${tk}x${tn}xf32> into vector<${tm}x${tn}xf32>
      scf.yield %next : vector<${tm}x${tn}xf32>
    }
    vector.transfer_write %sum, %C[%i, %j] {in_bounds = [true, true]} : vector<${tm}x${tn}xf32>, memref<${m}x${n}xf32>
  }
  return
}
""")
M, N, K = 96, 64, 64


def tiled(tm: int, tn: int, tk: int) -> str:
    sizes = {"m": M, "n": N, "k": K, "tm": tm, "tn": tn, "tk": tk}
    return TILED.substitute(sizes, rows=M // tm, columns=N // tn)


tiles = [
    (tm, tn, tk)
    for tm in (1, 2, 4, 6, 8, 12, 16)
    for tn in (4, 8, 16, 32, 64)
    for tk in (1, 2, 4, 8)
    if tm * tn <= 512 and tm * tn * tk <= 4096
]
texts = [tiled(*tile) for tile in tiles]
print(f"{len(texts)} candidates; {sum(text in set(dataset.texts) for text in texts)} learnt from")
print(doubts(texts[:1]))

# %% [markdown]
# ## 5. Predict and rank
#
# Each prediction has a 90 % interval, and a score that is above 1 for programs unlike those learnt
# from. The order needs neither.

# %%
started = time.perf_counter()
order = own.rank(texts, CYCLES)
rank_us = 1e6 * (time.perf_counter() - started) / len(texts)
predicted = own.predict(texts, [CYCLES, SPILLS])
ranked = pd.DataFrame(
    {
        "tile": [f"{tm} x {tn} x {tk}" for tm, tn, tk in tiles],
        "cycles": predicted.mean[:, 0],
        "from": predicted.lower[:, 0],
        "to": predicted.upper[:, 0],
        "spills": predicted.mean[:, 1],
        "ood": predicted.ood,
    }
).iloc[order]
print(f"{rank_us:.0f} us a candidate")
print(pd.concat([ranked.head(5), ranked.tail(3)]).round(2).to_string(index=False))

# %%
best_depth = pd.Series(predicted.mean[:, 0], index=pd.MultiIndex.from_tuples(tiles)).groupby(
    level=[0, 1]
)
grid = best_depth.min().unstack()
go.Figure(
    go.Heatmap(
        z=np.log2(grid.to_numpy()),
        x=[str(name) for name in grid.columns],
        y=[str(name) for name in grid.index],
        colorscale="Viridis",
        colorbar={"title": "log2 cycles"},
    ),
    layout={
        "title": "Predicted cycles by tile, best depth",
        "xaxis": {"title": "columns of the tile"},
        "yaxis": {"title": "rows of the tile"},
        "template": "plotly_white",
    },
)

# %% [markdown]
# The model that is shipped knows the targets of all devices and needs nothing but the core install:

# %%
shipped = CostModel.from_pretrained("fast")
first = shipped.rank(texts, CYCLES)[0]
print(f"{len(shipped.targets)} targets; its first choice is {tiles[first]}")
few = ("register_pressure_fp", "spills", "mca_cycles", "executed_instructions")
(estimates,) = shipped.predict([texts[first]], [f"{DEVICE}/{name}" for name in few])
for name, one in estimates.items():
    print(f"{name:45} {one.value:10,.0f}  ({one.lower:,.0f} to {one.upper:,.0f})")

# %% [markdown]
# ## 6. Was it right?
#
# The compilers label candidates from all over the order: cycles as llvm-mca counts them, and the
# time of a run on this machine (of which a busy machine, or another CPU than the model's, changes
# the order).

# %%
checked: pd.DataFrame | None = None
if find_spec("mlir") is None or find_spec("llvmlite") is None:
    print("The compilers are not installed (pip install 'archgym[corpus]'): not checked.")
else:
    from costmodel.targets import label

    places = np.unique(np.linspace(0, len(order) - 1, CHECKED).round().astype(int))
    rows = []
    for place in places:
        found = label(texts[order[place]], (CYCLES, f"{DEVICE}/latency")).values
        rows.append(
            {
                "tile": tiles[order[place]],
                "predicted": predicted.mean[order[place], 0],
                "cycles": found.get(CYCLES, np.nan),
                "measured ns": found.get(f"{DEVICE}/latency", np.nan),
            }
        )
    checked = pd.DataFrame(rows)
    print(checked.round(0).to_string(index=False))
    for name in ("cycles", "measured ns"):
        known = checked.dropna(subset=[name])
        if len(known) > 2:
            rho = spearmanr(known.predicted, known[name]).statistic
            regret = known[name].iloc[0] / known[name].min() - 1
            print(
                f"{name}: rank correlation {rho:.2f}, first choice {100 * regret:.0f} % off the best"
            )

# %% [markdown]
# On the command line, with the candidates as files:
#
# ```sh
# costmodel predict tile.mlir --target x86-64-znver4 --json
# costmodel rank tiles/ --target x86-64-znver4/mca_cycles
# costmodel label tile.mlir --targets x86-64-znver4/mca_cycles --compare
# ```
#
# `experiments/costmodel/` has the whole table, and what rankings are worth on many programs.
