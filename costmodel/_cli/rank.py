"""``costmodel rank``: candidates of one program in order of their predicted cost."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from costmodel._cli._texts import read_texts
from costmodel._cli.predict import cells, warn
from costmodel.errors import InvalidConfigError
from simulators._terminal import Output, grid
from simulators._text import number

if TYPE_CHECKING:
    from costmodel.models import Model, Target

_BY_DEFAULT = ("x86-64-znver4/latency", "x86-64-znver4/mca_cycles")


@dataclass(frozen=True, kw_only=True)
class Rank:
    """Order candidates, say schedules of one program, by predicted cost; best first."""

    files: Annotated[Positional[tuple[Path, ...]], arg(metavar="FILE...")] = ()
    """MLIR files, folders of them, or - for standard input."""
    target: str | None = None
    """What to order by: device/quantity; by default the time on x86-64-znver4, as latency or else
    as cycles, or what else the model knows first."""
    model: str = "fast"
    """A shipped model, or the folder of one."""
    regret: Path | None = None
    """Instead of files: labelled schedules (Parquet). Tells what the model's order is worth."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Order and write."""
        from costmodel.models import load_model
        from costmodel.rank import order_of

        model = load_model(self.model)
        chosen = model.targets[model.index(self._name(model))]
        if self.regret is not None:
            if self.files:
                raise InvalidConfigError("Give either files to order or --regret, not both.")
            return self._regret(output, model, chosen, self.regret)
        texts = read_texts(self.files)
        names, data = list(texts), list(texts.values())
        warn(output, names, data)
        predictions = model.predict(data, [chosen.name])
        order = order_of(predictions.mean[:, 0], chosen.direction)
        rows = [
            [place, names[i], *cells(predictions[int(i)][chosen.name]), chosen.unit]
            for place, i in enumerate(order, start=1)
        ]
        headers = [">", "program", f">{chosen.quantity}", ">from", ">to", "unit"]
        output.show(grid(headers, rows))
        output.result(
            {
                "target": chosen.name,
                "unit": chosen.unit,
                "order": [{"program": names[i], "value": predictions.mean[i, 0]} for i in order],
            }
        )
        return 0

    def _name(self, model: "Model") -> str:
        if self.target is not None:
            return self.target
        known = [target.name for target in model.targets]
        return next((name for name in _BY_DEFAULT if name in known), known[0])

    def _regret(self, output: Output, model: "Model", target: "Target", path: Path) -> int:
        from costmodel._dataset import Dataset
        from costmodel.rank import random_score, score_ranking

        dataset = Dataset.read(path)
        scores = {
            self.model: asdict(score_ranking(model, dataset, target.name)),
            "random order": asdict(random_score(dataset, target.name, target.direction)),
        }
        names = list(scores[self.model])
        rows = [
            [name.replace("_", " "), *(number(score[name]) for score in scores.values())]
            for name in names
        ]
        output.show(grid(["", *(f">{name}" for name in scores)], rows))
        output.result({"target": target.name, "scores": scores})
        return 0
