"""What ``archgym search --evaluator`` adds: a search on a proxy, whose winners are simulated."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archgym._text import duration, number, quantity
from simulators._terminal import Output, grid

if TYPE_CHECKING:
    from archgym.problem import Problem
    from archgym.proxy import Verification


def announce(output: Output, problem: "Problem") -> None:
    """Say what stands in for the simulator; ``problem`` is the one with the proxy."""
    info: dict[str, Any] = problem.evaluator.info  # type: ignore[union-attr]
    output.note(
        f"On a proxy in place of the simulator: {info['model']}, trained on "
        f"{info['designs']['learnt']:,} designs. Rewards below are predictions."
    )


def verify(output: Output, problem: "Problem", folders: Sequence[Path], top: int) -> dict[str, Any]:
    """Simulate the best designs of the runs, show what came of it and return it."""
    from archgym.proxy import verify_winners

    found = verify_winners(problem, folders, top)
    output.show(f"\nThe proxy's best {len(found.winners)} designs, simulated:\n", _table(found))
    output.show(*_verdict(found), *_design(problem, found))
    return _payload(found)


def _table(found: "Verification") -> Any:
    best = found.best
    rows = [
        [i, number(w.predicted_reward, 5), number(w.reward, 5), "best" if w is best else ""]
        for i, w in enumerate(found.winners, 1)
    ]
    return grid([">rank", ">predicted reward", ">simulated reward", ""], rows)


def _verdict(found: "Verification") -> list[str]:
    lines = [
        f"\nRegret of the proxy's first choice against the best of these: "
        f"{number(found.choice_regret, 3)}."
    ]
    if found.regret is not None:
        lines.append(
            f"Regret of the best of these against the best design of all (reward "
            f"{number(found.optimum_reward)}): {number(found.regret, 3)}."
        )
    whole = found.evaluations * found.simulator_design_s
    saved = f"saved {duration(found.saved_s)}" if found.saved_s > 0 else "the proxy saved no time"
    lines.append(
        f"{found.evaluations:,} evaluations took {number(found.proxy_s, 3)} s on the proxy; "
        f"simulated at {quantity(found.simulator_design_s * 1e9, 'ns', 3)} each they would have "
        f"taken {number(whole, 3)} s: {saved}."
    )
    return lines


def _design(problem: "Problem", found: "Verification") -> list[str]:
    return ["", problem.describe(found.best.design, found.best.evaluation)]


def _payload(found: "Verification") -> dict[str, Any]:
    return {
        "winners": [
            {
                "design": w.design,
                "predicted_reward": w.predicted_reward,
                "reward": w.reward,
                "metrics": w.evaluation.metrics,
            }
            for w in found.winners
        ],
        "best_reward": found.best.reward,
        "choice_regret": found.choice_regret,
        "optimum_reward": found.optimum_reward,
        "regret": found.regret,
        "evaluations": found.evaluations,
        "proxy_s": found.proxy_s,
        "simulator_s_per_design": found.simulator_design_s,
        "saved_s": found.saved_s,
    }
