"""``costmodel adapt``: a new target from few labelled programs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from costmodel.errors import InvalidConfigError
from simulators._terminal import Output


@dataclass(frozen=True, kw_only=True)
class Adapt:
    """Teach a trained model a new target or device from 10 to some 200 labelled programs."""

    data: Path
    """Parquet file with a column text and one for each new target."""
    out: Path
    """Folder of the new model."""
    from_: Annotated[str, arg(name="from", metavar="MODEL")] = "fast"
    """The model to build on: a shipped one, or a folder."""
    targets: Annotated[tuple[str, ...], arg(metavar="NAME...")] = ()
    """Targets or devices; by default all with enough labels."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Adapt and write."""
        from costmodel._dataset import Dataset
        from costmodel.adapt import adapt
        from costmodel.models import load_model
        from costmodel.models._model import CONFIG_FILE
        from costmodel.train import choose_targets

        base = load_model(self.from_)
        if (self.out / CONFIG_FILE).exists():
            raise InvalidConfigError(f"'{self.out}' holds a model. Choose another folder.")
        dataset = Dataset.read(self.data)
        targets = choose_targets(dataset, self.targets)
        model = adapt(base, dataset, targets)
        model.save_pretrained(self.out)
        output.show(f"Learnt {', '.join(targets)} from {len(dataset)} programs.")
        output.show(f"Wrote {self.out}: costmodel predict FILE --model {self.out}")
        output.result({"model": str(self.out), "targets": targets, "programs": len(dataset)})
        return 0
