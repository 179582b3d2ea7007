"""Objectives: bounded, monotone, finite whatever an evaluation holds; texts that read back."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archgym.errors import InvalidConfigError, UnknownNameError
from archgym.objective import FAILURE, LIMIT, Improve, Objective, Paper, Pareto, Product, Target
from archgym.problem import Evaluation, MetricSpec


def metric(name, unit, direction, can_be_zero=False):
    return MetricSpec(
        name=name, unit=unit, direction=direction, description=name, can_be_zero=can_be_zero
    )


METRICS = {
    "latency_ns": metric("latency_ns", "ns", "min"),
    "power_mw": metric("power_mw", "mW", "min"),
    "stall_ns": metric("stall_ns", "ns", "min", can_be_zero=True),
    "bandwidth_gb_s": metric("bandwidth_gb_s", "GB/s", "max"),
}
REFERENCE = {"latency_ns": 100.0, "power_mw": 400.0, "stall_ns": 0.0, "bandwidth_gb_s": 8.0}
SOUND_SPECS = [
    "latency_ns",
    "bandwidth_gb_s",
    "stall_ns",
    "min:bandwidth_gb_s",
    "max:latency_ns",
    "product:latency_ns*power_mw",
    "product:latency_ns^0.5*bandwidth_gb_s^2",
    "target:latency_ns=100,power_mw=900",
    "target:bandwidth_gb_s=12.5,stall_ns=3",
    "pareto:latency_ns,power_mw,bandwidth_gb_s",
]
SPECS = [*SOUND_SPECS, "paper:power_mw=1000", "paper:power_mw=1000,latency_ns=0.1"]

any_float = st.floats(allow_nan=True, allow_infinity=True)
measured = st.fixed_dictionaries({name: st.floats(0, 1e12) for name in METRICS})


def bound(spec):
    return Objective.from_spec(spec).bind(METRICS, REFERENCE)


def evaluation(**metrics):
    return Evaluation(metrics={**REFERENCE, **metrics})


def bounds(objective):
    if isinstance(objective, Target):
        return 0.0, 1.0
    if isinstance(objective, Paper):
        return 0.0, 1e6
    return FAILURE, LIMIT


@pytest.mark.parametrize("spec", SPECS)
@given(metrics=st.dictionaries(st.sampled_from([*METRICS, "other"]), any_float), data=st.data())
@example(metrics=dict.fromkeys(METRICS, math.nan), data=None)
@example(metrics=dict.fromkeys(METRICS, math.inf), data=None)
@example(metrics=dict.fromkeys(METRICS, 0.0), data=None)
@example(metrics=dict.fromkeys(METRICS, 5e-324), data=None)
@example(metrics=dict.fromkeys(METRICS, 1.8e308), data=None)
def test_every_reward_is_finite_and_bounded_for_any_evaluation(spec, metrics, data):
    objective = bound(spec)
    feasible = data.draw(st.booleans()) if data else True
    given_evaluation = Evaluation(metrics=metrics, feasible=feasible)
    low, high = bounds(objective)
    for reward in (objective.reward(given_evaluation), *objective.rewards(given_evaluation)):
        assert isinstance(reward, float)
        assert low <= reward <= high
        assert reward >= objective.failure


@pytest.mark.parametrize("spec", SPECS)
@given(metrics=measured)
def test_an_infeasible_or_failed_design_gets_the_failure_reward(spec, metrics):
    objective = bound(spec)
    assert objective.failure <= objective.reward(Evaluation(metrics=metrics))
    for bad in (
        Evaluation(metrics=metrics, feasible=False),
        Evaluation.failed("deadlock"),
        Evaluation(metrics=dict.fromkeys(metrics, math.nan)),
        Evaluation(metrics=dict.fromkeys(metrics, -1.0)),
        Evaluation(metrics={}),
    ):
        assert objective.reward(bad) == objective.failure
        assert objective.rewards(bad) == (objective.failure,) * len(objective.names)


@pytest.mark.parametrize("spec", [s for s in SOUND_SPECS if not s.startswith("target")])
@given(metrics=measured)
def test_an_improvement_is_always_above_the_failure_reward(spec, metrics):
    assert bound(spec).reward(Evaluation(metrics=metrics)) > FAILURE


@pytest.mark.parametrize("spec", SOUND_SPECS)
@given(metrics=measured, data=st.data())
def test_improving_any_metric_never_lowers_a_reward(spec, metrics, data):
    objective = bound(spec)
    term = data.draw(st.sampled_from(objective.terms))
    value = metrics[term.metric]
    better_value = (
        data.draw(st.floats(0, value)) if term.sense == "min" else data.draw(st.floats(value, 1e12))
    )
    worse = Evaluation(metrics=metrics)
    better = Evaluation(metrics={**metrics, term.metric: better_value})
    assert objective.reward(better) >= objective.reward(worse)
    for a, b in zip(objective.rewards(better), objective.rewards(worse), strict=True):
        assert a >= b


@given(st.floats(0.01, 100), st.floats(1.001, 50))
def test_rewards_fall_strictly_within_their_range(value, factor):
    for spec in ("latency_ns", "product:latency_ns*power_mw", "pareto:latency_ns,power_mw"):
        objective = bound(spec)
        better, worse = evaluation(latency_ns=value), evaluation(latency_ns=value * factor)
        assert objective.reward(better) > objective.reward(worse)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(1, 1000))
def test_better_than_a_target_is_never_punished(latency, power, bandwidth):
    objective = bound("target:latency_ns=100,power_mw=900,bandwidth_gb_s=4")
    beyond = evaluation(
        latency_ns=100 * latency, power_mw=900 * power, bandwidth_gb_s=4 * bandwidth
    )
    assert objective.reward(beyond) == 1.0


def test_an_improvement_reads_as_doublings_over_the_default_design():
    assert bound("latency_ns").reward(evaluation()) == 0
    assert bound("latency_ns").reward(evaluation(latency_ns=50)) == 1
    assert bound("latency_ns").reward(evaluation(latency_ns=400)) == -2
    assert bound("bandwidth_gb_s").reward(evaluation(bandwidth_gb_s=16)) == 1
    assert bound("max:latency_ns").reward(evaluation(latency_ns=400)) == 2
    assert bound("min:bandwidth_gb_s").reward(evaluation(bandwidth_gb_s=16)) == -1


def test_a_product_weighs_its_metrics_by_their_exponents():
    changed = evaluation(latency_ns=50, power_mw=1600)
    assert bound("product:latency_ns*power_mw").reward(changed) == 1 - 2
    assert bound("product:latency_ns^3*power_mw^0.5").reward(changed) == 3 - 1


def test_a_target_is_the_mean_of_what_is_attained():
    objective = bound("target:latency_ns=100,bandwidth_gb_s=16")
    assert objective.reward(evaluation(latency_ns=400, bandwidth_gb_s=8)) == (0.25 + 0.5) / 2


def test_pareto_gives_one_reward_per_metric_and_their_mean():
    objective = bound("pareto:latency_ns,power_mw")
    changed = evaluation(latency_ns=50, power_mw=3200)
    assert objective.names == ("latency_ns", "power_mw")
    assert objective.rewards(changed) == (1, -3)
    assert objective.reward(changed) == -1


def test_a_default_design_that_measures_zero_still_ranks_others():
    objective = bound("stall_ns")
    assert objective.reward(evaluation(stall_ns=0.0)) == 0
    assert objective.reward(evaluation(stall_ns=1e-9)) == -LIMIT


def test_the_papers_reward_is_its_formula_and_shows_its_flaw():
    objective = bound("paper:power_mw=1000")
    assert objective.reward(evaluation(power_mw=1250)) == 4
    assert objective.reward(evaluation(power_mw=1000)) == 1000
    # Better than the target by a quarter scores no more than missing it by as much.
    assert objective.reward(evaluation(power_mw=750)) == objective.reward(evaluation(power_mw=1250))
    both = bound("paper:power_mw=1000,latency_ns=50")
    assert both.reward(evaluation(power_mw=1250, latency_ns=60)) == 4 * 5


@pytest.mark.parametrize("spec", SPECS)
def test_a_specification_reads_back(spec):
    objective = Objective.from_spec(spec)
    assert objective.spec == spec
    assert Objective.from_spec(objective.spec) == objective
    assert bound(spec).spec == spec


@given(st.floats(min_value=1e-300, max_value=1e300))
def test_targets_and_exponents_keep_every_digit(value):
    for objective in (Target.of(latency_ns=value), Product.of(latency_ns=value)):
        assert Objective.from_spec(objective.spec) == objective


def test_objects_and_texts_are_the_same():
    assert Improve.of("latency_ns") == Objective.from_spec("latency_ns")
    assert Product.of("latency_ns", power_mw=0.5) == Objective.from_spec(
        "product:latency_ns*power_mw^0.5"
    )
    assert Pareto.of("latency_ns", "power_mw") == Objective.from_spec("pareto:latency_ns,power_mw")
    assert Target.of(latency_ns=100) == Objective.from_spec(" target: latency_ns = 100 ")
    assert Paper.of(power_mw=1) == Objective.from_spec("paper:power_mw=1")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("", "names no metric"),
        ("product:", "names no metric"),
        ("targett:latency_ns=1", "Did you mean 'target'"),
        ("target:latency_ns", "metric=target"),
        ("target:latency_ns=", "is no number"),
        ("target:latency_ns=fast", "'fast' is no number"),
        ("target:latency_ns=0", "above 0"),
        ("target:latency_ns=-1", "above 0"),
        ("target:latency_ns=nan", "above 0"),
        ("target:latency_ns=inf", "above 0"),
        ("product:latency_ns^x", "'x' is no number"),
        ("product:latency_ns*latency_ns", "only once"),
        ("pareto:latency_ns,latency_ns", "only once"),
    ],
)
def test_a_specification_without_meaning_is_refused(spec, words):
    with pytest.raises(InvalidConfigError, match=words):
        Objective.from_spec(spec)


@pytest.mark.parametrize(
    "spec", ["latency_n", "product:latency_n*power_mw", "pareto:latency_n,", "target:latency_n=3"]
)
def test_an_unknown_metric_is_refused_with_a_hint_and_the_list(spec):
    with pytest.raises(UnknownNameError) as caught:
        bound(spec)
    assert "Unknown metric 'latency_n'. Did you mean 'latency_ns'?" in str(caught.value)
    assert "Allowed: bandwidth_gb_s, latency_ns, power_mw, stall_ns." in str(caught.value)


def test_an_objective_needs_metrics_and_improve_only_one():
    with pytest.raises(InvalidConfigError, match="at least one metric"):
        Product(())
    with pytest.raises(InvalidConfigError, match="Use Product or Pareto"):
        Improve.of("latency_ns", "power_mw")


@pytest.mark.parametrize("spec", [s for s in SPECS if not s.startswith("paper")])
def test_an_unbound_objective_says_how_to_bind_it(spec):
    with pytest.raises(InvalidConfigError, match=r"problem.objective\(...\)"):
        Objective.from_spec(spec).reward(evaluation())
