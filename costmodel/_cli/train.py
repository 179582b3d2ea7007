"""``costmodel train``: a model from labelled programs."""

from dataclasses import dataclass, fields

from costmodel._cli._progress import TrainingProgress
from costmodel.train import TrainConfig
from simulators._terminal import Output, grid
from simulators._text import number


@dataclass(frozen=True, kw_only=True)
class Train(TrainConfig):
    """Train a model on labelled programs; goes on where an interrupted training stopped."""

    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Train and write."""
        from costmodel.train import train

        config = TrainConfig(**{f.name: getattr(self, f.name) for f in fields(TrainConfig)})
        model = train(config, TrainingProgress(output))
        tested = model.metrics["test"]
        columns = ("rmse_range_pct", "spearman", "coverage_pct")
        rows = [
            [t.name, *(number(tested.get(t.name, {}).get(name)) for name in columns)]
            for t in model.targets
        ]
        headers = ["target", ">RMSE, % of range", ">Spearman", ">interval covers, %"]
        output.show(grid(headers, rows))
        output.show(f"\nWrote {self.out}: costmodel predict FILE --model {self.out}")
        output.result({"model": str(self.out), "metrics": model.metrics})
        return 0
