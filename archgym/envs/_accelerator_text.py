"""Where the cost of an accelerator comes from, as text and as data for charts."""

from collections.abc import Mapping

from archgym._text import number, quantity
from archgym.charts import Chart, Roofline, RooflinePoint, StackedBars
from archgym.envs._accelerator_measure import LayerCost, Measurement

__all__ = ["breakdown", "charts", "explain"]

BAR_WIDTH = 40


def explain(measured: Measurement) -> list[str]:
    """Return energy by level, area by component, and cycles and limiting level by layer."""
    return [
        "energy",
        *_bars(measured.level_energy_pj, "pJ"),
        "",
        "area",
        *_bars(_areas_mm2(measured), "mm²"),
        "",
        *_layers(measured),
    ]


def breakdown(measured: Measurement) -> dict[str, dict[str, float]]:
    """Return energy by level, cycles by layer, and area by component."""
    return {
        "energy (µJ)": {name: pj / 1e6 for name, pj in measured.level_energy_pj.items() if pj},
        "cycles": {
            each.layer.name: float(each.layer.count * each.cost.cycles) for each in measured.layers
        },
        "area (mm²)": _areas_mm2(measured),
    }


def charts(measured: Measurement, dram_bandwidth: float | None) -> list[Chart]:
    """Return energy and cycles of every layer, and the layers under the roofline."""
    outermost = measured.architecture.levels[0].name
    return [
        StackedBars(
            title="Energy by layer",
            label="energy (µJ)",
            bars={each.layer.name: _energies_uj(measured, each) for each in measured.layers},
            caption="Each layer as often as the workload repeats it, by where the energy goes.",
        ),
        StackedBars(
            title="Cycles by layer",
            label="cycles",
            bars={
                each.layer.name: {
                    each.cost.limiting_level: float(each.layer.count * each.cost.cycles)
                }
                for each in measured.layers
            },
            caption="Each layer as often as the workload repeats it, by what limits its speed.",
        ),
        Roofline(
            title="Roofline",
            points={
                each.layer.name: RooflinePoint(
                    intensity=each.layer.macs / _moved_words(each, outermost),
                    performance=each.layer.macs / each.cost.cycles,
                )
                for each in measured.layers
            },
            peak=float(measured.architecture.compute.instances),
            bandwidth=dram_bandwidth,
            intensity_label=f"operational intensity (MACs per word of {outermost})",
            caption=f"The slope is the bandwidth of {outermost}, the flat part one MAC per PE.",
        ),
    ]


def _energies_uj(measured: Measurement, each: LayerCost) -> dict[str, float]:
    energies = {**each.cost.level_energy_pj}
    energies[measured.architecture.compute.name] = each.cost.compute_energy_pj
    return {name: each.layer.count * pj / 1e6 for name, pj in energies.items() if pj}


def _moved_words(each: LayerCost, level: str) -> int:
    return sum(
        tensor.reads + tensor.fills + tensor.updates for tensor in each.cost.levels[level].values()
    )


def _areas_mm2(measured: Measurement) -> dict[str, float]:
    chip = measured.architecture
    areas = {part.name: part.instances * part.area_um2 / 1e6 for part in chip.levels}
    areas[chip.compute.name] = chip.compute.instances * chip.compute.area_um2 / 1e6
    return {name: area for name, area in areas.items() if area > 0}


def _bars(values: Mapping[str, float], unit: str) -> list[str]:
    spent = {name: value for name, value in values.items() if value}
    whole = sum(spent.values())
    width = max(map(len, spent), default=0)
    return [
        f"  {name:<{width}}  {quantity(value, unit):>12}  {value / whole:6.1%}  "
        f"{'#' * round(BAR_WIDTH * value / whole)}".rstrip()
        for name, value in spent.items()
    ]


def _layers(measured: Measurement) -> list[str]:
    cycles = measured.cycles
    width = max(len("layer"), *(len(each.layer.name) for each in measured.layers))
    head = f"  {'layer':<{width}}  {'times':>5}  {'cycles':>14}  {'share':>6}  {'energy':>12}"
    lines = [f"{head}  {'utilization':>11}  limited by"]
    for each in measured.layers:
        share = each.layer.count * each.cost.cycles / cycles
        lines.append(f"  {_row(each, width, share)}")
    return ["layers", *lines]


def _row(each: LayerCost, width: int, share: float) -> str:
    cost, count = each.cost, each.layer.count
    return (
        f"{each.layer.name:<{width}}  {count:>5}  {number(count * cost.cycles, 9):>14}  "
        f"{share:>6.1%}  {quantity(count * cost.energy_pj, 'pJ'):>12}  "
        f"{cost.utilization:>11.1%}  {cost.limiting_level}"
    )
