"""Print how far the accelerator models are from SCALE-Sim's and ZigZag's, run here and now.

    python -m experiments.validation.accelerator_tools --scalesim-python P [--count 24]
    python -m experiments.validation.accelerator_tools --zigzag-python P [--budget 2000]

P is the Python of an environment that has the tool. SCALE-Sim gets random matrix products, arrays
and dataflows: cycles, mapping efficiency and operand reads must be equal. ZigZag gets layers of
networks on the shipped architectures, each with a mapping that the mapper finds; its model differs
(`simulators.accelerator.backends._zigzag` says how), so ratios are shown. Exit code: 1 if
SCALE-Sim differs anywhere or ZigZag needs other compute cycles, 2 if a tool cannot be used.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Annotated

import numpy as np
import tyro

from simulators.accelerator import (
    Architecture,
    Layer,
    MappingConstraints,
    search_mapping,
    systolic,
)
from simulators.accelerator.backends._scalesim import evaluate_scalesim
from simulators.accelerator.backends._zigzag import evaluate_zigzag
from simulators.errors import BackendError, InvalidConfigError, InvalidMappingError

LARGEST = 80
"""Rows, columns and reduction of the random matrix products: SCALE-Sim walks every cycle."""
DATAFLOWS: tuple[systolic.Dataflow, ...] = ("ws", "is", "os")
NETWORKS = ("alexnet-ungrouped", "resnet18", "mobilenetv2")


_RATIOS = {
    "energy": "energy_ratio",
    "cycles": "cycles_ratio",
    "cycles without loading": "busy_ratio",
}


@dataclass(frozen=True, slots=True)
class Product:
    """A matrix product on both systolic models."""

    what: str
    cycles: int
    scalesim_cycles: int
    equal: bool
    """Whether cycles, mapping efficiency and operand reads are."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """A mapping on both models of an architecture; ratios are ours / ZigZag's."""

    architecture: str
    layer: str
    compute_cycles_equal: bool
    energy_ratio: float
    cycles_ratio: float
    """ZigZag adds the loading of the first tiles and the storing of the last, ..."""
    busy_ratio: float
    """... here it does not. A layer that is loaded once and then computed lies between the two."""


def main(
    scalesim_python: str | None = None,
    zigzag_python: str | None = None,
    count: int = 24,
    budget: int = 2000,
    seed: int = 0,
    json_output: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> int:
    """Compare with the tools whose Python is given.

    Args:
        scalesim_python: Python of an environment with scalesim.
        zigzag_python: Python of an environment with zigzag-dse.
        count: random matrix products.
        budget: mappings that the mapper evaluates for each layer.
        seed: of the random products.
        json_output: print one JSON object instead of lines.
    """
    try:
        products = list(_products(scalesim_python, count, seed)) if scalesim_python else []
        mapped = list(_mapped(zigzag_python, budget)) if zigzag_python else []
    except BackendError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if json_output:
        results = {
            "scalesim": [asdict(product) for product in products],
            "zigzag": [asdict(each) for each in mapped],
        }
        print(json.dumps(results))
    else:
        print("\n".join([*_product_lines(products), *_mapped_lines(mapped)]))
    equal = all(product.equal for product in products)
    return int(not (equal and all(each.compute_cycles_equal for each in mapped)))


def _products(python: str, count: int, seed: int) -> Iterator[Product]:
    rng = np.random.default_rng(seed)
    for index in range(count):
        m, n, k = (int(size) for size in rng.integers(1, LARGEST + 1, 3))
        rows, columns = (int(size) for size in rng.integers(1, 33, 2))
        dataflow = DATAFLOWS[index % 3]
        layer = Layer.matmul(m=m, n=n, k=k)
        ours = systolic.evaluate(layer, (rows, columns), dataflow)
        theirs = evaluate_scalesim(layer, (rows, columns), dataflow, python=python)
        efficiency = float(theirs.columns["Mapping Efficiency %"]) / 100
        figures = [
            (ours.cycles, theirs.cycles),
            (ours.input_reads, theirs.columns["SRAM IFMAP Reads"]),
            (ours.weight_reads, theirs.columns["SRAM Filter Reads"]),
        ]
        equal = all(mine == other for mine, other in figures)
        close = abs(ours.mapping_efficiency - efficiency) < 1e-9
        what = f"{layer.name} on {rows}x{columns}, {dataflow}"
        yield Product(what, ours.cycles, int(theirs.cycles), equal and close)


def _product_lines(products: list[Product]) -> list[str]:
    if not products:
        return []
    equal = sum(product.equal for product in products)
    lines = [f"SCALE-Sim: {equal} of {len(products)} matrix products equal"]
    return lines + [
        f"  {each.what}: {each.cycles} cycles, SCALE-Sim {each.scalesim_cycles}"
        for each in products
        if not each.equal
    ]


def _mapped(python: str, budget: int) -> Iterator[Mapped]:
    for name in Architecture.presets():
        architecture = Architecture.preset(name)
        for layer in _layers():
            try:
                found = search_mapping(
                    architecture,
                    layer,
                    budget=budget,
                    constraints=MappingConstraints.preset(name),
                )
                theirs = evaluate_zigzag(architecture, layer, found.mapping, python=python)
            except (InvalidMappingError, InvalidConfigError) as error:
                print(f"{name}, {layer.name}: left out: {error}", file=sys.stderr)
                continue
            assert theirs.energy_pj is not None  # noqa: S101 - ZigZag always gives it
            ideal, busy = (
                float(theirs.columns[column])
                for column in ("ideal_temporal_cycle", "latency_total0")
            )
            yield Mapped(
                name,
                layer.name,
                ideal == found.cost.compute_cycles,
                found.cost.energy_pj / theirs.energy_pj,
                found.cost.cycles / theirs.cycles,
                found.cost.cycles / busy,
            )


def _layers() -> Iterator[Layer]:
    """Return the first, a middle and the last convolution of each network."""
    for network in NETWORKS:
        layers = [layer for layer in Layer.network(network, merge=True) if layer.dims["P"] > 1]
        for at in sorted({0, len(layers) // 2, len(layers) - 1}):
            yield layers[at]


def _mapped_lines(mapped: list[Mapped]) -> list[str]:
    if not mapped:
        return []
    equal = sum(each.compute_cycles_equal for each in mapped)
    lines = [f"ZigZag: compute cycles of {equal} of {len(mapped)} mappings equal; ours / ZigZag's:"]
    for name in dict.fromkeys(each.architecture for each in mapped):
        mine = [each for each in mapped if each.architecture == name]
        lines.append(f"  {name}, {len(mine)} layers")
        lines += [
            f"    {title:24} {_spread([getattr(each, ratio) for each in mine])}"
            for title, ratio in _RATIOS.items()
        ]
    return lines


def _spread(ratios: list[float]) -> str:
    low, middle, high = np.quantile(ratios, (0, 0.5, 1))
    return f"median {middle:.3f}, {low:.3f} to {high:.3f}"


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
