"""Timeloop problems (shape and instance) as layers, and back."""

from collections.abc import Mapping
from typing import Any

from simulators.accelerator._layer import Axis, Layer, Tensor
from simulators.accelerator._timeloop_yaml import Source, check_keys, entries, load_yaml
from simulators.errors import InvalidConfigError

_CONV_DIMS = ("C", "M", "R", "S", "N", "P", "Q")
_CONV_COEFFICIENTS = ("Wstride", "Hstride", "Wdilation", "Hdilation")
_CONV_SHAPES = ("cnn-layer", "cnn_layer", "cnn", "CNN", "CNN-Layer", "CNN_Layer")
_PROBLEM_KEYS = ("version", "shape", "instance", "name")
_SHAPE_KEYS = ("name", "version", "dimensions", "coefficients", "data-spaces", "data_spaces")
_SPACE_KEYS = ("name", "projection", "read-write", "read_write")


def layer_from_timeloop(source: Source) -> Layer:
    """See `Layer.from_timeloop`."""
    content = load_yaml(source, "problem")
    problem = content.get("problem", content)
    if not isinstance(problem, Mapping):
        raise InvalidConfigError(f"problem: expected keys, got {problem!r}.")
    shape = problem.get("shape")
    name = str(problem.get("name") or "layer")
    if "instance" in problem:
        check_keys(problem, _PROBLEM_KEYS, "problem")
        instance = problem["instance"]
    else:
        instance = {k: v for k, v in problem.items() if k not in _PROBLEM_KEYS}
    if not isinstance(instance, Mapping):
        raise InvalidConfigError(f"problem.instance: expected bounds by name, got {instance!r}.")
    if isinstance(shape, Mapping):
        return _general(name, shape, instance)
    if shape is not None and shape not in _CONV_SHAPES:
        raise InvalidConfigError(
            f"problem.shape is {shape!r}. Give {_CONV_SHAPES[0]!r}, or the shape itself: "
            "dimensions, coefficients, data-spaces."
        )
    return _conv(name, instance)


def _conv(name: str, instance: Mapping[str, Any]) -> Layer:
    check_keys(instance, (*_CONV_DIMS, *_CONV_COEFFICIENTS), "problem.instance")
    missing = [dim for dim in _CONV_DIMS if dim not in instance]
    if missing:
        raise InvalidConfigError(f"problem.instance: no bound for {', '.join(missing)}.")
    bounds = {dim.lower(): instance[dim] for dim in _CONV_DIMS}
    wstride, hstride, wdilation, hdilation = (instance.get(k, 1) for k in _CONV_COEFFICIENTS)
    return Layer.conv(
        **bounds,
        stride=(wstride, hstride),
        dilation=(wdilation, hdilation),
        name=None if name == "layer" else name,
    )


def _general(name: str, shape: Mapping[str, Any], instance: Mapping[str, Any]) -> Layer:
    check_keys(shape, _SHAPE_KEYS, "problem.shape")
    dims = shape.get("dimensions")
    if not isinstance(dims, list | tuple) or not all(isinstance(dim, str) for dim in dims):
        raise InvalidConfigError(f"problem.shape.dimensions is {dims!r}. Give a list of names.")
    coefficients = _coefficients(shape, instance)
    check_keys(instance, (*dims, *coefficients), "problem.instance")
    missing = [dim for dim in dims if dim not in instance]
    if missing:
        raise InvalidConfigError(f"problem.instance: no bound for {', '.join(missing)}.")
    listed = shape.get("data-spaces", shape.get("data_spaces"))
    spaces = entries(listed, "problem.shape.data-spaces")
    tensors = tuple(_tensor(space, coefficients) for space in spaces)
    bounds = {dim: instance[dim] for dim in dims}
    stride = (coefficients.get("Wstride", 1), coefficients.get("Hstride", 1))
    dilation = (coefficients.get("Wdilation", 1), coefficients.get("Hdilation", 1))
    if name == "layer":
        name = str(shape.get("name") or name)
    return Layer(name, bounds, tensors, stride, dilation)


def _coefficients(shape: Mapping[str, Any], instance: Mapping[str, Any]) -> dict[str, int]:
    values = {}
    for entry in entries(shape.get("coefficients") or [], "problem.shape.coefficients"):
        check_keys(entry, ("name", "default"), "problem.shape.coefficients")
        name = entry.get("name")
        if not isinstance(name, str):
            raise InvalidConfigError(f"problem.shape.coefficients: {entry!r} has no name.")
        values[name] = instance.get(name, entry.get("default"))
        if values[name] is None:
            raise InvalidConfigError(f"problem.instance: no value for the coefficient {name}.")
    return values


def _tensor(space: dict[str, Any], coefficients: Mapping[str, int]) -> Tensor:
    check_keys(space, _SPACE_KEYS, "problem.shape.data-spaces")
    name, projection = str(space.get("name")), space.get("projection")
    where = f"problem.shape: projection of {name}"
    if not isinstance(projection, list | tuple):
        raise InvalidConfigError(
            f"{where} is {projection!r}. Give a list of axes, each a sum: [[R, Wdilation], [P]]."
        )
    axes = tuple(_axis(axis, coefficients, where) for axis in projection)
    return Tensor(name, axes, bool(space.get("read-write", space.get("read_write", False))))


def _axis(axis: Any, coefficients: Mapping[str, int], where: str) -> Axis:
    terms: list[tuple[str, int]] = []
    if not isinstance(axis, list | tuple):
        raise InvalidConfigError(f"{where}: axis {axis!r} is not a list of terms, e.g. [[C]].")
    for term in axis:
        if not isinstance(term, list | tuple) or not 1 <= len(term) <= 2:
            raise InvalidConfigError(
                f"{where}: term {term!r} is neither [dimension] nor [dimension, coefficient]."
            )
        factor = term[1] if len(term) == 2 else 1
        if isinstance(factor, str):
            if factor not in coefficients:
                raise InvalidConfigError(
                    f"{where}: unknown coefficient {factor!r}. Known: {', '.join(coefficients)}."
                )
            factor = coefficients[factor]
        terms.append((str(term[0]), factor))
    return tuple(terms)


def layer_to_timeloop(layer: Layer) -> dict[str, Any]:
    """See `Layer.to_timeloop`."""
    factors = sorted({c for t in layer.tensors for axis in t.axes for _, c in axis if c != 1})
    names = {factor: f"times{factor}" for factor in factors}
    spaces = []
    for tensor in layer.tensors:
        space: dict[str, Any] = {
            "name": tensor.name,
            "projection": [
                [[dim] if c == 1 else [dim, names[c]] for dim, c in axis] for axis in tensor.axes
            ],
        }
        if tensor.output:
            space["read-write"] = True
        spaces.append(space)
    shape: dict[str, Any] = {"name": layer.name, "dimensions": list(layer.dims)}
    if names:
        shape["coefficients"] = [{"name": n, "default": c} for c, n in names.items()]
    return {
        "problem": {
            "version": 0.3,
            "shape": shape | {"data-spaces": spaces},
            "instance": dict(layer.dims),
        }
    }
