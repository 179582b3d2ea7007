"""A cost as text: where the energy goes, how hard each level works, what limits the speed."""

from simulators.accelerator._cost import Cost

_HEAD = ("level", "tensor", "tile", "reads", "updates", "fills", "words/cycle", "energy", "share")


def explain(cost: Cost) -> str:
    """Return a summary and a table: a row per level and tensor, outermost first."""
    rows: list[tuple[str, ...]] = [_HEAD]
    for level, tensors in cost.levels.items():
        energy_pj = sum(entry.energy_pj for entry in tensors.values())
        for number, (tensor, entry) in enumerate(tensors.items()):
            counts = (entry.tile_size, entry.reads, entry.updates, entry.fills)
            words = f"{entry.read_bandwidth + entry.write_bandwidth:.2f}"
            name = "" if number else level
            energy = (_joules(entry.energy_pj), _share(entry.energy_pj, cost))
            rows.append((name, tensor, *(f"{count:,}" for count in counts), words, *energy))
        if len(tensors) != 1:
            name = "" if tensors else level
            total = (_joules(energy_pj), _share(energy_pj, cost))
            rows.append((name, "(together)" if tensors else "-", "", "", "", "", "", *total))
    compute = (_joules(cost.compute_energy_pj), _share(cost.compute_energy_pj, cost))
    rows.append(("compute", "-", "", "", "", "", "", *compute))
    return "\n".join([*_summary(cost), "", *_aligned(rows), "", _COUNTED])


_COUNTED = "Tile, reads, updates, fills and words/cycle are words of one instance."


def _summary(cost: Cost) -> list[str]:
    slowest = f"limited by {cost.limiting_level}"
    if cost.limiting_level == "compute":
        slowest += ": no level's bandwidth slows it down"
    else:
        slowest += f", which needs {cost.cycles / cost.compute_cycles:.2f} x the compute cycles"
    return [
        f"cycles       {cost.cycles:,} ({slowest})",
        f"utilization  {cost.utilization:.1%} of the multipliers, {cost.macs:,} MACs",
        f"energy       {_joules(cost.energy_pj)}, {cost.energy_pj / cost.macs:.3g} pJ per MAC",
        f"EDP          {cost.edp_j_cycle:.4g} J x cycles",
        f"area         {cost.area_um2 / 1e6:.4g} mm2",
    ]


def _joules(energy_pj: float) -> str:
    for scale, unit in ((1e9, "mJ"), (1e6, "uJ"), (1e3, "nJ")):
        if energy_pj >= scale:
            return f"{energy_pj / scale:.4g} {unit}"
    return f"{energy_pj:.4g} pJ"


def _share(energy_pj: float, cost: Cost) -> str:
    return f"{energy_pj / cost.energy_pj:.1%}" if cost.energy_pj else "-"


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if number < 2 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
