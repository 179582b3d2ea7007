"""Timeloop v0.2 / v0.3 architectures, and Accelergy's energy and area tables."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulators.accelerator._architecture import Architecture, Compute, Level
from simulators.accelerator._components import Compatibility
from simulators.accelerator._energy_table import AreaTable, EnergyTable
from simulators.accelerator._timeloop_yaml import Source, check_keys, entries, load_yaml
from simulators.errors import InvalidConfigError, did_you_mean

_VERSIONS = ("0.2", "0.3")
_NODE_KEYS = ("name", "attributes", "local", "subtree")
_LOCAL_KEYS = ("name", "class", "subclass", "attributes")
_COMPUTE_CLASS = re.compile(r"(^|_)(compute|[a-z]*mac|[a-z]*multiplier)([_0-9]|$)", re.IGNORECASE)
_STORAGE_CLASS = re.compile(
    r"dram|ram|storage|buffer|regfile|register|reg_|^reg|(^|_)rf([_0-9]|$)|fifo|latch|memory|cache"
    r"|scratchpad|spad",
    re.IGNORECASE,
)

_WORD_BITS = ("word-bits", "word_bits", "word_width", "datawidth")
_BLOCK_SIZE = ("block-size", "block_size", "n_words")
_CLUSTER_SIZE = ("cluster-size", "cluster_size")
_WIDTH = ("width", "memory_width")
_DEPTH = ("depth", "memory_depth")
_BUFFERING = ("multiple-buffering", "multiple_buffering")
_BANDWIDTHS = ("read_bandwidth", "write_bandwidth", "shared_bandwidth")
_MODELLED = (
    *_WORD_BITS, *_BLOCK_SIZE, *_CLUSTER_SIZE, *_WIDTH, *_DEPTH, "entries", "sizeKB",
    *_BUFFERING, *_BANDWIDTHS, "meshX", "meshY", "instances", "technology",
)  # fmt: skip
_COMPONENT = (
    "type", "n_banks", "num-banks", "num_banks", "n_ports", "nports", "num-ports", "num_ports",
    "n_rdwr_ports", "n_rd_ports", "n_wr_ports", "nbanks", "latency", "cycle_time",
    "global_cycle_seconds", "global_cycle_period", "clock", "frequency", "voltage",
    "update_fifo_depth", "read_fifo_depth", "fill_fifo_depth", "drain_fifo_depth", "fifo_depth",
    "n_pipelines", "num_pipeline_stages", "pipeline_stages", "precision", "exponent", "mantissa",
    "datawidth_a", "datawidth_b", "multiplier_width", "adder_width", "accumulation_width",
    "data_type", "dataflow", "tag_width", "wire_length", "temperature", "device_type",
)  # fmt: skip
"""Attributes of component classes that only the energy and area estimate reads."""
_ALLOWED = (*_MODELLED, *_COMPONENT)


@dataclass(frozen=True, slots=True)
class _Node:
    name: str
    kind: str
    instances: int
    attributes: dict[str, Any]


def architecture_from_timeloop(
    source: Source,
    energy_table: Source | None,
    area_table: Source | None,
    compatibility: Compatibility,
) -> Architecture:
    """See `Architecture.from_timeloop`."""
    content = load_yaml(source, "architecture")
    tree = content.get("architecture", content)
    if not isinstance(tree, Mapping):
        raise InvalidConfigError(f"architecture: expected keys, got {tree!r}.")
    _check_version(tree)
    check_keys(tree, ("version", "subtree", "name"), "architecture")
    nodes: list[_Node] = []
    roots = entries(tree.get("subtree"), "architecture.subtree")
    _walk(_only(roots, "architecture"), "", 1, {}, nodes)
    energies = EnergyTable.load(energy_table, compatibility)
    areas = AreaTable.load(area_table, compatibility)
    storage = [node for node in nodes if not _is_compute(node)]
    computes = [node for node in nodes if _is_compute(node)]
    if len(computes) != 1 or nodes[-1] is not computes[0]:
        raise InvalidConfigError(
            "architecture: exactly one compute node, innermost and last, is needed (class "
            f"'compute', 'intmac', ...); got {[node.name for node in computes]}."
        )
    technology_nm = _technology_nm(computes[0])
    return Architecture(
        name=str(tree.get("name") or roots[0]["name"]),
        levels=tuple(_level(node, energies, areas, technology_nm) for node in storage),
        compute=_compute(computes[0], energies, areas, technology_nm),
        technology_nm=technology_nm,
    )


def _check_version(tree: Mapping[str, Any]) -> None:
    version = tree.get("version")
    if str(version) in _VERSIONS and ("nodes" not in tree):
        return
    if version is None and "subtree" in tree:
        raise InvalidConfigError(
            "architecture: no version. Add 'version: 0.3' beside 'subtree' if it is one."
        )
    raise InvalidConfigError(
        f"architecture: version {version!r} is not supported. Versions: {', '.join(_VERSIONS)}, "
        "in which 'subtree' nests nodes and 'local' lists components. Rewrite the 'storage' and "
        "'arithmetic' lists of 0.1, or the 'nodes' list of 0.4, in that form."
    )


def _only(nodes: list[dict[str, Any]], where: str) -> dict[str, Any]:
    if len(nodes) != 1:
        raise InvalidConfigError(
            f"{where}: {len(nodes)} subtrees. Timeloop's hierarchy is one chain; give exactly one."
        )
    return nodes[0]


def _walk(
    node: dict[str, Any],
    path: str,
    instances: int,
    inherited: dict[str, Any],
    out: list[_Node],
) -> None:
    name, copies = _name(node, path or "architecture.subtree")
    path = f"{path}.{name}" if path else name
    check_keys(node, _NODE_KEYS, path)
    instances *= copies
    attributes = inherited | _attributes(node, path)
    for local in entries(node.get("local") or [], f"{path}.local"):
        local_name, local_copies = _name(local, f"{path}.local")
        where = f"{path}.{local_name}"
        check_keys(local, _LOCAL_KEYS, where)
        out.append(
            _Node(
                local_name,
                _kind(local, where),
                instances * local_copies,
                attributes | _attributes(local, where),
            )
        )
    if node.get("subtree"):
        children = entries(node["subtree"], f"{path}.subtree")
        _walk(_only(children, path), path, instances, attributes, out)


def _name(node: dict[str, Any], where: str) -> tuple[str, int]:
    text = node.get("name")
    match = re.fullmatch(r"([^\[\]]+?)\s*(?:\[\s*(\d+)\s*\.\.\s*(\d+)\s*\])?", str(text))
    if not isinstance(text, str) or match is None:
        raise InvalidConfigError(
            f"{where}: the name {text!r} is neither 'name' nor 'name[first..last]'."
        )
    name, first, last = match.groups()
    if first is None:
        return name, 1
    if int(last) < int(first):
        raise InvalidConfigError(f"{where}: the range of {text!r} ends before it begins.")
    return name, int(last) - int(first) + 1


def _attributes(node: dict[str, Any], where: str) -> dict[str, Any]:
    attributes = node.get("attributes") or {}
    if not isinstance(attributes, Mapping):
        raise InvalidConfigError(f"{where}: attributes is {attributes!r}, not keys and values.")
    for key in attributes:
        if key not in _ALLOWED:
            raise InvalidConfigError(
                f"{where}: unknown attribute {key!r}.{did_you_mean(key, _ALLOWED)} "
                f"Allowed: {', '.join(_ALLOWED)}."
            )
    return dict(attributes)


def _kind(local: dict[str, Any], where: str) -> str:
    kind = local.get("class")
    if kind in ("storage", "compute") and local.get("subclass"):
        kind = local["subclass"]
    if not isinstance(kind, str):
        raise InvalidConfigError(f"{where}: class is {kind!r}. Give e.g. SRAM, regfile, intmac.")
    if local.get("class") in ("storage", "compute", "DRAM"):
        return kind if local["class"] != "compute" or _COMPUTE_CLASS.search(kind) else "compute"
    if not (_COMPUTE_CLASS.search(kind) or _STORAGE_CLASS.search(kind)):
        raise InvalidConfigError(
            f"{where}: class {kind!r} is neither storage (DRAM, SRAM, regfile, smartbuffer_SRAM, "
            "..., or 'storage' with a subclass) nor compute (intmac, ..., or 'compute' with a "
            "subclass). Networks and adders beside them are not modelled: remove the node."
        )
    return kind


def _is_compute(node: _Node) -> bool:
    return bool(_COMPUTE_CLASS.search(node.kind))


def _technology_nm(node: _Node) -> float:
    text = node.attributes.get("technology", "45nm")
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:nm)?", str(text))
    if match is None:
        raise InvalidConfigError(f"{node.name}: technology is {text!r}. Give e.g. '45nm'.")
    return float(match.group(1))


def _first(node: _Node, keys: tuple[str, ...]) -> Any:
    return next((node.attributes[key] for key in keys if key in node.attributes), None)


def _count(node: _Node, keys: tuple[str, ...]) -> int | None:
    value = _first(node, keys)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    raise InvalidConfigError(f"{node.name}: {keys[0]} is {value!r}. Give a positive integer.")


def _mesh_x(node: _Node) -> int | None:
    mesh_x, mesh_y = _count(node, ("meshX",)), _count(node, ("meshY",))
    if mesh_y is None:
        return mesh_x
    if node.instances != mesh_y * (mesh_x or node.instances // mesh_y):
        raise InvalidConfigError(
            f"{node.name}: {node.instances} instances are not a mesh of {mesh_x} x {mesh_y}."
        )
    return node.instances // mesh_y


def _depth(node: _Node, block_size: int, word_bits: int) -> int | None:
    depth, size = _count(node, _DEPTH), _count(node, ("entries",))
    kilobytes = _count(node, ("sizeKB",))
    if sum(value is not None for value in (depth, size, kilobytes)) > 1:
        raise InvalidConfigError(
            f"{node.name}: give one of depth (or memory_depth), entries, sizeKB, not several."
        )
    if kilobytes is not None:
        size = kilobytes * 8192 // word_bits
    if size is None:
        return depth
    if size % block_size:
        raise InvalidConfigError(
            f"{node.name}: {size} words are no whole number of rows of {block_size} words."
        )
    return size // block_size


def _cluster_size(node: _Node, block_size: int, word_bits: int) -> int:
    cluster_size, width = _count(node, _CLUSTER_SIZE), _count(node, _WIDTH)
    if width is not None and width % (block_size * word_bits):
        raise InvalidConfigError(
            f"{node.name}: width {width} is no multiple of word bits {word_bits} x block size "
            f"{block_size}. Make the width {block_size * word_bits}."
        )
    if cluster_size is not None or width is None:
        return cluster_size or 1
    return width // (block_size * word_bits)


def _level(node: _Node, energies: EnergyTable, areas: AreaTable, nm: float) -> Level:
    block_size = _count(node, _BLOCK_SIZE) or 1
    word_bits = _count(node, _WORD_BITS) or 16
    depth = _depth(node, block_size, word_bits)
    read, write = energies.storage(node.name, node.kind, node.attributes, nm)
    return Level(
        name=node.name,
        technology=_technology(node.kind),
        depth=depth,
        block_size=block_size,
        word_bits=word_bits,
        instances=node.instances,
        mesh_x=_mesh_x(node),
        cluster_size=_cluster_size(node, block_size, word_bits),
        multiple_buffering=_first(node, _BUFFERING) or 1.0,
        read_bandwidth=node.attributes.get("read_bandwidth"),
        write_bandwidth=node.attributes.get("write_bandwidth"),
        shared_bandwidth=node.attributes.get("shared_bandwidth"),
        read_energy_pj=read,
        write_energy_pj=write,
        area_um2=areas.area_um2(node.name, node.kind, node.attributes, nm),
        component=node.kind,
        attributes=node.attributes,
    )


def _technology(kind: str) -> str:
    if "dram" in kind.lower():
        return "DRAM"
    return "regfile" if "regfile" in kind.lower() else "SRAM"


def _compute(node: _Node, energies: EnergyTable, areas: AreaTable, nm: float) -> Compute:
    return Compute(
        name=node.name,
        instances=node.instances,
        mesh_x=_mesh_x(node),
        energy_pj=energies.compute(node.name, node.kind, node.attributes, nm),
        area_um2=areas.area_um2(node.name, node.kind, node.attributes, nm),
        word_bits=_count(node, _WORD_BITS) or 16,
        component=node.kind,
        attributes=node.attributes,
    )


def architecture_to_timeloop(architecture: Architecture) -> dict[str, Any]:
    """See `Architecture.to_timeloop`."""
    local = [_local(level, _level_attributes(level)) for level in architecture.levels]
    compute = architecture.compute
    technology = {"technology": f"{architecture.technology_nm:g}nm"}
    attributes = dict(compute.attributes) or {"datawidth": compute.word_bits} | technology
    local.append(_local(compute, attributes | {"meshX": compute.mesh_x}))
    node = {"name": architecture.name, "local": local}
    return {"architecture": {"version": 0.3, "subtree": [node]}}


def _local(part: Level | Compute, attributes: dict[str, Any]) -> dict[str, Any]:
    name = part.name if part.instances == 1 else f"{part.name}[0..{part.instances - 1}]"
    group = "storage" if isinstance(part, Level) else "compute"
    kind = part.component or (part.technology if isinstance(part, Level) else "intmac")
    if kind == "DRAM":
        return {"name": name, "class": "DRAM", "attributes": attributes}
    return {"name": name, "class": group, "subclass": kind, "attributes": attributes}


def _level_attributes(level: Level) -> dict[str, Any]:
    modelled = {
        "word-bits": level.word_bits,
        "block-size": level.block_size,
        "cluster-size": level.cluster_size,
        "meshX": level.mesh_x,
        "depth": level.depth,
        "multiple-buffering": level.multiple_buffering,
        **{key: getattr(level, key) for key in _BANDWIDTHS},
    }
    rest = {key: value for key, value in level.attributes.items() if key not in _MODELLED}
    for key in ("technology", *_WIDTH):
        if key in level.attributes:
            rest[key] = level.attributes[key]
    return rest | {key: value for key, value in modelled.items() if value is not None}
