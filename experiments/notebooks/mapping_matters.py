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
# # The same layer, the same chip: how much the mapping matters
#
# A layer is a loop nest; a mapping says which loops run at which memory, in what order, and which
# run side by side. One layer of AlexNet has hundreds of thousands of mappings on Eyeriss, even
# within its own dataflow.

# %%
# ruff: noqa: B018, D100
import os

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from simulators.accelerator import (
    Architecture,
    Layer,
    MappingConstraints,
    MappingSpace,
    evaluate_batch,
    search_mapping,
    systolic,
)

# Mappings to draw at random, and the most that a search may evaluate.
MAPPINGS = int(os.environ.get("ARCHGYM_NOTEBOOK_MAPPINGS", "20000"))
SEED = 0

eyeriss = Architecture.preset("eyeriss")
row_stationary = MappingConstraints.preset("eyeriss")
layer = next(layer for layer in Layer.network("alexnet-ungrouped") if layer.name == "conv3")
space = MappingSpace(eyeriss, layer, row_stationary)
print(f"{layer.name}: {layer.macs / 1e6:.0f} M multiply-accumulates, {dict(layer.dims)}")
print(f"{space.size:.3g} mappings have the right factors; their tiles may or may not fit")

# %% [markdown]
# ## Mappings at random
#
# All of these are legal. The best and the worst differ by orders of magnitude.

# %%
rng = np.random.default_rng(SEED)
drawn = evaluate_batch(eyeriss, layer, space.sample(MAPPINGS, rng))
edp = drawn.edp_j_cycle[drawn.valid]
found = search_mapping(eyeriss, layer, budget=MAPPINGS, seed=SEED, constraints=row_stationary)
print(f"{len(edp)} legal; EDP from {edp.min():.4g} to {edp.max():.4g} J x cycle")
print(f"searched with as many evaluations: {found.cost.edp_j_cycle:.4g} J x cycle")

# %%
bins = np.geomspace(min(edp.min(), found.cost.edp_j_cycle) / 1.2, edp.max() * 1.2, 60)
counts, edges = np.histogram(edp, bins)
histogram = go.Figure(
    go.Bar(x=np.sqrt(edges[1:] * edges[:-1]), y=counts, width=np.diff(edges), name="random")
)
histogram.add_vline(x=found.cost.edp_j_cycle, line_dash="dash", annotation_text="searched")
histogram.update_xaxes(type="log", title="energy-delay product (J·cycle)")
histogram.update_yaxes(title="mappings")
histogram

# %% [markdown]
# ## How long to search
#
# `optimal` is set where the rest of the space has been enumerated or ruled out.

# %%
budgets = [budget for budget in (100, 300, 1000, 3000, 10000, 30000, 100000) if budget <= MAPPINGS]
searches = pd.DataFrame(
    {
        "budget": budget,
        "EDP (J·cycle)": result.cost.edp_j_cycle,
        "cycles": result.cost.cycles,
        "energy (µJ)": result.cost.energy_pj / 1e6,
        "optimal": result.optimal,
    }
    for budget in (budgets or [MAPPINGS])
    for result in [search_mapping(eyeriss, layer, "edp", budget, SEED, row_stationary)]
)
print(searches.to_string(index=False))

# %% [markdown]
# ## The mapping that was found

# %%
for block in found.mapping.blocks:
    loops = [f"for {dim} in {bound}" for dim, bound in block.temporal if bound > 1]
    spatial = [f"parallel {dim} in {bound} ({axis})" for dim, bound, axis in block.spatial]
    kept = f"keeps {', '.join(sorted(block.keep)) or 'nothing'}"
    print(f"{block.level:12} {kept:30} {'; '.join([*loops, *spatial])}")
print(found.cost.cycles, "cycles, limited by", found.cost.limiting_level)

# %% [markdown]
# ## A dataflow for each layer
#
# A systolic array keeps one operand in place. Which one is best depends on the layer: the table is
# the share of 32 x 32 PEs that multiply in an average cycle.

# %%
network = Layer.network("resnet18", merge=True)
dataflows = pd.DataFrame(
    {
        "layer": one.name,
        "weights": systolic.evaluate(one, (32, 32), "ws").utilization,
        "inputs": systolic.evaluate(one, (32, 32), "is").utilization,
        "outputs": systolic.evaluate(one, (32, 32), "os").utilization,
    }
    for one in network
).set_index("layer")
dataflows["best stays"] = dataflows.idxmax(axis=1)
print(dataflows.round(2).to_string())
