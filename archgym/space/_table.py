"""A design space as a table to read."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from archgym.space._space import DesignSpace


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
    """Return the number of designs and the table, aligned to the left."""
    table = shown(space)
    columns = [[name, *table[name]] for name in table.columns]
    padded = [[text.ljust(max(map(len, column))) for text in column] for column in columns]
    rows = ["  ".join(row).rstrip() for row in zip(*padded, strict=True)]
    return "\n".join([size_of(space), "", *rows])
