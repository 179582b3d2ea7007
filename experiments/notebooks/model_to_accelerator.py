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
# # From a model to its accelerator
#
# A neural network in PyTorch or JAX becomes MLIR text; the text becomes layers; a search finds the
# accelerator that runs these layers best. Open it with `jupytext --to notebook
# model_to_accelerator.py` (or as it is in an editor that knows `# %%` cells), or run it:
# `python model_to_accelerator.py`.

# %%
# ruff: noqa: B018, D100, D103
import os
from importlib import import_module
from pathlib import Path
from typing import cast

import pandas as pd
import plotly.graph_objects as go

from archgym import plots, search
from archgym.charts import Chart, Roofline, StackedBars
from archgym.envs.accelerator import AcceleratorProblem
from archgym.space import Design
from archgym.stats import convergence
from simulators.accelerator import Layer

# Accelerators to evaluate, and mappings to try for each layer on each of them.
BUDGET = int(os.environ.get("ARCHGYM_NOTEBOOK_BUDGET", "150"))
MAPPINGS = int(os.environ.get("ARCHGYM_NOTEBOOK_MAPPINGS", "2000"))
SEED = 0

# %% [markdown]
# ## 1. The model as MLIR
#
# With PyTorch and torch-mlir the next cell exports ResNet-18; without them it takes the text that
# the same cell gave elsewhere, which lies beside this file. Any module will do: torch-mlir's
# linalg, StableHLO or TOSA; from JAX, `jax.jit(f).lower(*inputs).as_text()`.


# %%
def resnet18_from_pytorch() -> str:
    # pip install torch torchvision; torch-mlir: github.com/llvm/torch-mlir
    fx = import_module("torch_mlir.fx")
    torch = import_module("torch")
    torchvision = import_module("torchvision")

    model = torchvision.models.resnet18(weights=None).eval()
    # Weights are passed as arguments: as constants they would make the text far longer.
    tensors = dict([*model.named_parameters(), *model.named_buffers()])

    class Functional(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, image: object, *values: object) -> object:
            named = dict(zip(tensors, values, strict=True))
            return torch.func.functional_call(model, named, image)

    image = torch.randn(1, 3, 224, 224)
    values = [tensor.detach() for tensor in tensors.values()]
    return str(fx.export_and_import(Functional(), image, *values, output_type="linalg-on-tensors"))


try:
    text, source = resnet18_from_pytorch(), "exported just now"
except ImportError as error:
    folder = Path(__file__).parent if "__file__" in globals() else Path.cwd()
    text, source = (folder / "resnet18.mlir").read_text(encoding="utf-8"), f"read: {error}"
print(f"{len(text.splitlines())} lines of MLIR, {source}")
print(next(line.strip()[:200] for line in text.splitlines() if "linalg.conv" in line))

# %% [markdown]
# ## 2. The layers in it
#
# `Layer.from_mlir` keeps what multiplies and accumulates, and says what it left out, with lines.
# The total is the published one: 1.81 billion multiply-accumulates.

# %%
layers = Layer.from_mlir(text)
print(f"{len(layers)} contractions, {layers.macs / 1e9:.2f} G multiply-accumulates")
print("left out:", ", ".join(f"{count} {name}" for name, count in layers.skipped.items()))

distinct = layers.merged()
table = pd.DataFrame(
    {
        "layer": layer.name,
        **{dim: layer.dims[dim] for dim in "CMRSPQ"},
        "stride": layer.stride[0],
        "times": layer.count,
        "million MACs": layer.macs * layer.count / 1e6,
        "weights (KiB)": layer.tensor_size("Weights") * 2 / 1024,
    }
    for layer in distinct
)
print(table.round(1).to_string(index=False))

# %% [markdown]
# ## 3. A starting point: Eyeriss
#
# The design space starts from Eyeriss (Chen et al., JSSC 2017). For each layer a search finds a
# good mapping, so that an accelerator is judged by what it can do. Where does its energy go?

# %%
problem = AcceleratorProblem(workload=list(layers), mapping_budget=MAPPINGS)
start = problem.default_design
print(problem.explain(start))


# %%
def charts(design: Design) -> dict[str, Chart]:
    return {chart.title: chart for chart in problem.charts(design)}


eyeriss_energy = cast(StackedBars, charts(start)["Energy by layer"])
limit = max(sum(parts.values()) for parts in eyeriss_energy.bars.values())
plots.stacked_figure(eyeriss_energy, limit=limit)

# %% [markdown]
# ## 4. The search
#
# 25 parameters: the array, its scratchpads, the shared buffer. The reward is log2 of how many times
# smaller the product of cycles, energy and area is than Eyeriss's.

# %%
AGENTS = ("random_walk", "genetic")
results = {agent: search(problem, agent, BUDGET, SEED) for agent in AGENTS}
trials = pd.concat([result.to_frame() for result in results.values()], ignore_index=True)
for agent, result in results.items():
    print(f"{agent}: best reward {result.best_reward:.2f} after {result.evaluations} accelerators")
plots.convergence_figure(convergence(trials), default_reward=0.0)

# %% [markdown]
# ## 5. The best accelerator for this model

# %%
best = max((result.best for result in results.values() if result.best), key=lambda t: t.reward)
found = dict(best.design)
reference = problem.evaluate([start])[0].metrics
comparison = pd.DataFrame(
    {
        "Eyeriss": pd.Series(reference),
        "found": pd.Series(best.metrics),
        "found / Eyeriss": pd.Series(best.metrics) / pd.Series(reference),
    }
)
print(comparison.to_string(float_format=lambda value: f"{value:.4g}"))
for name, value in found.items():
    before = start.get(name, "-")
    print(f"  {name:22} {before!s:>10} {'  ' if before == value else '->'} {value}")

# %%
plots.stacked_figure(cast(StackedBars, charts(found)["Energy by layer"]), limit=limit)

# %%
rooflines = {
    name: next(chart for chart in problem.charts(design) if isinstance(chart, Roofline))
    for name, design in (("Eyeriss", start), ("found", found))
}
plots.roofline_figure(rooflines)

# %% [markdown]
# Energy and speed pull apart: each point is an accelerator that the search tried.


# %%
def axis(name: str) -> plots.Axis:
    metric = problem.metrics[name]
    return plots.Axis(name=name, unit=metric.unit, direction=metric.direction)


pareto: go.Figure = plots.pareto_figure(
    trials, axis("cycles"), axis("energy_pj"), default=reference, best=best.metrics
)
pareto

# %% [markdown]
# ## 6. Take it elsewhere
#
# The accelerator as a file for Timeloop:

# %%
architecture = problem.architecture(found)
print(architecture.name, f"{architecture.area_um2 / 1e6:.2f} mm2")
for level in architecture.levels:
    size = "unlimited" if level.size_words is None else f"{level.size_words} words"
    print(f"  {level.name:12} {level.instances:4} x {size}")
timeloop = architecture.to_timeloop()
