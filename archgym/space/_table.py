"""A design space as a table to read."""

from textwrap import wrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from archgym.space._space import DesignSpace

LINE_LENGTH = 120
MIN_VALUES_LENGTH = 30


def table_of(space: "DesignSpace") -> "pd.DataFrame":
    """Return a row per parameter, all text."""
    import pandas as pd

    rows = [
        {
            "parameter": parameter.name,
            "kind": parameter.kind,
            "values": parameter.allowed,
            "unit": parameter.unit,
            "active if": "" if parameter.when is None else str(parameter.when),
            "group": parameter.group,
        }
        for parameter in space.parameters
    ]
    return pd.DataFrame(rows)


def shown(space: "DesignSpace") -> "pd.DataFrame":
    """Return the columns that say something."""
    table = table_of(space)
    return table.loc[:, (table != "").any()]


def size_of(space: "DesignSpace") -> str:
    """Return in words how many designs there are."""
    bound = "" if space.size_is_exact else "at most "
    return f"{bound}{space.size:,} designs"


def text_of(space: "DesignSpace") -> str:
    """Return the number of designs and the table, aligned to the left.

    Values, which may be long, come last and wrap.
    """
    table = shown(space)
    values = ["values", *table.pop("values")]
    columns = [[name, *table[name]] for name in table.columns]
    padded = [[text.ljust(max(map(len, column))) for text in column] for column in columns]
    lines = [size_of(space), ""]
    for *row, listed in zip(*padded, values, strict=True):
        begin = "".join(f"{text}  " for text in row)
        width = max(LINE_LENGTH - len(begin), MIN_VALUES_LENGTH)
        first, *rest = wrap(listed, width, break_on_hyphens=False)
        lines += [begin + first, *(" " * len(begin) + line for line in rest)]
    return "\n".join(lines)
