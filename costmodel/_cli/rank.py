"""``costmodel rank``: candidates of one program in order of their predicted cost."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from costmodel._cli._texts import read_texts
from costmodel._cli.predict import cells
from costmodel.errors import InvalidConfigError
from simulators._terminal import Output, grid
from simulators._text import number

if TYPE_CHECKING:
    from costmodel.models import Model


@dataclass(frozen=True, kw_only=True)
class Rank:
    """Order candidates, say schedules of one program, by predicted cost; best first."""

    files: Annotated[Positional[tuple[Path, ...]], arg(metavar="FILE...")] = ()
    """MLIR files, folders of them, or - for standard input."""
    target: str = "x86-64-znver4/latency"
    """What to order by: device/quantity."""
    model: str = "fast"
    """A shipped model, or the folder of one."""
    regret: Path | None = None
    """Instead of files: labelled schedules (Parquet). Tells what the model's order is worth."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Order and write."""
        from costmodel.models import load_model

        model = load_model(self.model)
        model.indices([self.target])
        if self.regret is not None:
            if self.files:
                raise InvalidConfigError("Give either files to order or --regret, not both.")
            return self._regret(output, model, self.regret)
        texts = read_texts(self.files)
        names, data = list(texts), list(texts.values())
        predictions = model.predict(data, [self.target])
        (target,) = predictions.targets
        order = model.rank(data, self.target)
        rows = [
            [place, names[i], *cells(predictions[i][target.name]), target.unit]
            for place, i in enumerate(order, start=1)
        ]
        headers = [">", "program", f">{target.quantity}", ">from", ">to", "unit"]
        output.show(grid(headers, rows))
        output.result(
            {
                "target": target.name,
                "unit": target.unit,
                "order": [{"program": names[i], "value": predictions.mean[i, 0]} for i in order],
            }
        )
        return 0

    def _regret(self, output: Output, model: "Model", path: Path) -> int:
        from costmodel._dataset import Dataset
        from costmodel.rank import random_score, score_ranking

        dataset = Dataset.read(path)
        direction = next(t.direction for t in model.targets if t.name == self.target)
        scores = {
            self.model: asdict(score_ranking(model, dataset, self.target)),
            "random order": asdict(random_score(dataset, self.target, direction)),
        }
        names = list(scores[self.model])
        rows = [
            [name.replace("_", " "), *(number(score[name]) for score in scores.values())]
            for name in names
        ]
        output.show(grid(["", *(f">{name}" for name in scores)], rows))
        output.result({"target": self.target, "scores": scores})
        return 0
