"""Trial tables made up for the tests of statistics, figures and reports."""

import numpy as np
import pandas as pd
import pytest

WORST = -30.0


@pytest.fixture(scope="session")
def made_up_trials() -> pd.DataFrame:
    """Two agents x three seeds x 60 trials of a five-parameter memory whose optimum is known.

    The reward falls with latency and power. ``page_policy`` and ``buffer`` decide it, ``arbiter``
    does nothing, and ``postponed`` is inactive without refresh. Every tenth trial repeats the one
    before it, every fifteenth is infeasible and one fails in each run.
    """
    rng = np.random.default_rng(7)
    rows = []
    for agent, greed in (("genetic", 0.6), ("random_walk", 0.0)):
        for seed in range(3):
            rows.extend(_run(agent, seed, greed, rng))
    frame = pd.DataFrame(rows)
    frame["design.postponed"] = frame["design.postponed"].astype("Int64")
    return frame


def _run(agent: str, seed: int, greed: float, rng: np.random.Generator) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for index in range(60):
        if index % 10 == 9:
            rows.append({**rows[-1], "index": index, "cached": True, "wall_s": 0.0})
            continue
        good = rng.random(5) < greed * index / 60
        refresh = "NoRefresh" if good[2] or rng.random() < 0.5 else "AllBank"
        design = {
            "page_policy": "Open" if good[0] else str(rng.choice(["Open", "Closed"])),
            "buffer": int(rng.integers(60, 69) if good[1] else rng.integers(1, 129)),
            "refresh": refresh,
            "postponed": int(rng.integers(1, 9)) if refresh == "AllBank" else None,
            "arbiter": str(rng.choice(["Simple", "Fifo", "Reorder"])),
        }
        latency_ns = 200.0 - 60.0 * (design["page_policy"] == "Open")
        latency_ns -= 10.0 * np.log2(int(design["buffer"])) - 5.0 * (refresh == "NoRefresh")
        power_mw = 500.0 + 2.0 * int(design["buffer"]) - 30.0 * (refresh == "NoRefresh")
        feasible, failed = index % 15 != 7, index == 20
        metrics = {"latency_mean_ns": latency_ns, "power_mw": power_mw}
        reward = -float(np.log2(latency_ns / 150.0) + np.log2(power_mw / 520.0))
        rows.append(
            {
                "run": f"{agent}/seed-{seed}",
                "problem": "test/Memory-v0",
                "workload": "stream",
                "agent": agent,
                "seed": seed,
                "objective": "product:latency_mean_ns*power_mw",
                "budget": 54,
                "version": "0.1.0",
                "config_hash": f"{agent}{seed}",
                "hyperparameters": "{}",
                "index": index,
                "cached": False,
                "feasible": feasible and not failed,
                "error": "simulator stopped" if failed else None,
                "reward": reward if feasible and not failed else WORST,
                **{f"design.{name}": value for name, value in design.items()},
                **{
                    f"metric.{name}": float("nan") if failed else value
                    for name, value in metrics.items()
                },
                "ask_s": 0.001,
                "wall_s": 0.002,
            }
        )
    return rows
