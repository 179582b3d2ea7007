"""Run ZigZag's cost model on one request; started in ZigZag's own environment, never imported.

    python _zigzag_runner.py request.json result.json

Its public function fixes one setting that matters (data that stay at a memory's output count as not
read) and would search where a mapping is given, so its stages are put together here. ZigZag 3.9.
"""

import json
import logging
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

_CYCLES = ("ideal_cycle", "ideal_temporal_cycle", "mac_spatial_utilization")
_LATENCIES = ("latency_total0", "latency_total1", "latency_total2")


def main(request_path: str, result_path: str) -> None:
    """Evaluate, and write the result."""
    logging.disable(logging.CRITICAL)
    request = json.loads(Path(request_path).read_text(encoding="utf-8"))
    best = _best(request)
    result: dict[str, Any] = {name: float(getattr(best, name)) for name in (*_CYCLES, *_LATENCIES)}
    result["spatial_mapping"] = str(best.layer.spatial_mapping)
    result["temporal_mapping"] = {
        str(operand): [[[str(dim), float(size)] for dim, size in level] for level in levels]
        for operand, levels in best.temporal_mapping.mapping_dic_origin.items()
    }
    again = _with_energies(best)
    result["energy_total"] = float(again.energy_total)
    result["mac_energy"] = float(again.mac_energy)
    result["memories"] = _memories(again)
    Path(result_path).write_text(json.dumps(result), encoding="utf-8")


def _best(request: dict[str, Any]) -> Any:
    """Return the evaluation of the given mapping, or of the best one of a search."""
    reduce = f"results.reduce_stages.{request['reduce']}"
    temporal = (
        _stage("mapping.temporal_mapping_generator_stage.TemporalMappingGeneratorStage")
        if request["temporal"] is None
        else _fixed_stage(request["temporal"])
    )
    pipeline = import_module("zigzag.stages.main").MainStage(
        list_of_callables=[
            _stage("parser.workload_parser.WorkloadParserStage"),
            _stage("parser.accelerator_parser.AcceleratorParserStage"),
            _stage("workload_iterator.WorkloadStage"),
            _stage(reduce),
            _stage("mapping.spatial_mapping_generation.SpatialMappingGeneratorStage"),
            _stage(reduce),
            temporal,
            _stage("evaluation.cost_model_evaluation.CostModelStage"),
        ],
        accelerator="cycles.yaml",
        workload="workload.yaml",
        mapping="mapping.yaml",
        loma_lpf_limit=request["lpf_limit"],
        loma_show_progress_bar=False,
        nb_mappings_generated=request["spatial_mappings"],
        access_same_data_considered_as_no_access=False,
        temporal_mapping_type=_uneven(),
    )
    return pipeline.run()[0][0]


def _with_energies(best: Any) -> Any:
    """Evaluate the same mapping on the memories whose accesses are rows."""
    parser = _stage("parser.accelerator_parser.AcceleratorParserStage")
    return import_module("zigzag.cost_model.cost_model").CostModelEvaluation(
        accelerator=parser.parse_accelerator("energy.yaml"),
        layer=best.layer,
        spatial_mapping=best.spatial_mapping,
        spatial_mapping_int=best.spatial_mapping_int,
        temporal_mapping=best.temporal_mapping,
        access_same_data_considered_as_no_access=False,
    )


def _uneven() -> Any:
    return import_module("zigzag.mapping.temporal_mapping").TemporalMappingType("uneven")


def _stage(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(f"zigzag.stages.{module}"), name)


def _fixed_stage(loops: dict[str, list[list[list[Any]]]]) -> Any:
    """Return a stage that yields the given loops, per operand and memory, inner ones first."""
    types = import_module("zigzag.datatypes")
    mapping = import_module("zigzag.mapping.temporal_mapping")
    stage = import_module("zigzag.stages.stage").Stage

    class FixedTemporalMapping(stage):  # type: ignore[misc, valid-type]
        def __init__(self, list_of_callables: list[Any], *, layer: Any, **kwargs: Any) -> None:
            super().__init__(list_of_callables, **kwargs)
            self.layer = layer

        def run(self) -> Any:
            levels = {
                types.LayerOperand(operand): [
                    [(types.LayerDim(dim), size) for dim, size in level] for level in memories
                ]
                for operand, memories in loops.items()
            }
            fixed = mapping.TemporalMapping(levels, self.layer, _uneven())
            inner = self.list_of_callables[0](
                self.list_of_callables[1:], layer=self.layer, temporal_mapping=fixed, **self.kwargs
            )
            yield from inner.run()

    return FixedTemporalMapping


def _memories(best: Any) -> list[dict[str, Any]]:
    """Return accesses and energy of every memory and operand; an access moves a whole port."""
    found = []
    for operand, energies in best.mem_energy_breakdown.items():
        memory_operand = best.memory_operand_links.layer_to_mem_op(operand)
        levels = best.accelerator.memory_hierarchy.get_memory_levels(mem_op=memory_operand)
        accesses = best.memory_word_access[operand]
        for level, energy, counts in zip(levels, energies, accesses, strict=False):
            directions = {str(key): float(value) for key, value in counts.data.items()}
            found.append(
                {
                    "memory": level.memory_instance.name,
                    "operand": str(operand),
                    "energy": float(energy),
                    "accesses": directions,
                }
            )
    return found


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
