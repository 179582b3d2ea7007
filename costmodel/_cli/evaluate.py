"""``costmodel evaluate``: models against each other on programs held out."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from costmodel.evaluate import EvaluateConfig
from simulators._terminal import Output, grid
from simulators._text import number

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Evaluate(EvaluateConfig):
    """Train models, test them on held-out programs, and write one table and learning curves."""

    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Evaluate and write."""
        from costmodel._table import HEADLINE, pivot
        from costmodel.evaluate import evaluate

        config = EvaluateConfig(**{f.name: getattr(self, f.name) for f in fields(EvaluateConfig)})
        frame = evaluate(config, note=output.note)
        for split in self.splits:
            for metric in HEADLINE:
                _show(output, pivot(frame, metric, split), f"{metric}, split {split}")
        output.show(f"Wrote {self.out}: results.parquet, table.csv, table.md")
        output.result({"out": str(self.out), "rows": frame.to_dict(orient="records")})
        return 0


def _show(output: Output, table: "pd.DataFrame", title: str) -> None:
    if table.empty:
        return
    headers = ["target", *(f">{model}" for model in table.columns)]
    rows = [[target, *(number(x, 3) for x in row)] for target, row in table.iterrows()]
    output.show(grid(headers, rows, title=title), "")
