"""Reading Timeloop's YAML: files, texts and parsed content, with errors that name the node."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from simulators.errors import InvalidConfigError, did_you_mean

Source = str | Path | Mapping[str, Any]
"""A path, a YAML text (it has a line break or a colon), or content that is already parsed."""


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    pass


def _refuse_tag(loader: _Loader, suffix: str, node: yaml.Node) -> None:
    raise InvalidConfigError(
        f"line {node.start_mark.line + 1}: the tag !{suffix} belongs to Timeloop's version 0.4. "
        "This reader takes versions 0.2 and 0.3; write the architecture as nested subtree and "
        "local lists."
    )


_Loader.add_multi_constructor("!", _refuse_tag)


def load_yaml(source: Source, what: str) -> dict[str, Any]:
    """Return the content of a YAML source as a dictionary.

    Args:
        source: see `Source`.
        what: what is being read, for messages, e.g. "architecture".

    Raises:
        InvalidConfigError: unreadable, no YAML, or no dictionary.
    """
    if isinstance(source, Mapping):
        return dict(source)
    text, name = _text(source, what)
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except yaml.YAMLError as error:
        raise InvalidConfigError(f"{what} {name} is not YAML: {error}") from None
    if not isinstance(content, dict):
        raise InvalidConfigError(f"{what} {name} holds a {type(content).__name__}, not keys.")
    return content


def _text(source: str | Path, what: str) -> tuple[str, str]:
    if isinstance(source, str) and ("\n" in source or ": " in source):
        return source, "text"
    if not isinstance(source, str | Path):
        raise InvalidConfigError(
            f"{what} is a {type(source).__name__}. Give a path, a YAML text or a dictionary."
        )
    try:
        return Path(source).read_text(encoding="utf-8"), str(source)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfigError(f"cannot read the {what} {source}: {error}") from None


def check_keys(node: Mapping[str, Any], allowed: Iterable[str], where: str) -> None:
    """Refuse keys of ``node`` that are not in ``allowed``.

    Raises:
        InvalidConfigError: naming the node, the key and what is allowed.
    """
    names = tuple(allowed)
    for key in node:
        if key not in names:
            raise InvalidConfigError(
                f"{where}: unknown key {key!r}.{did_you_mean(key, names)} "
                f"Allowed: {', '.join(names)}."
            )


def entries(node: object, where: str) -> list[dict[str, Any]]:
    """Return a list of dictionaries.

    Raises:
        InvalidConfigError: anything else.
    """
    if not isinstance(node, list | tuple) or not all(isinstance(e, Mapping) for e in node):
        raise InvalidConfigError(f"{where}: expected a list of entries with keys, got {node!r}.")
    return [dict(entry) for entry in node]
