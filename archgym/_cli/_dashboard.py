"""``archgym dashboard``: Optuna's dashboard on recorded runs."""

import socket
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from archgym.errors import InvalidConfigError
from simulators._terminal import Output


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """Open Optuna's dashboard on a run, or on all runs below a folder; Ctrl-C ends it."""

    path: Annotated[Positional[Path], arg(metavar="RUN_OR_FOLDER")]
    """Folder of a run, or a folder above several runs."""
    port: int = 8080
    """Port of the dashboard."""
    host: str = "127.0.0.1"
    """Address of the dashboard; the default is seen from this machine alone."""
    browser: bool = False
    """Open it in a browser."""
    journal: Path | None = None
    """Only write the studies to this file, for optuna-dashboard FILE or Optuna's JournalStorage."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Convert the runs, then serve until Ctrl-C."""
        from archgym._dashboard import add_studies, open_storage, require_modules

        require_modules("optuna", *(() if self.journal else ("optuna_dashboard",)))
        storage = open_storage(self.journal)
        names = add_studies(self.path, storage)
        url = f"http://{self.host}:{self.port}/"
        output.result({"studies": names, "url": None if self.journal else url})
        if self.journal is not None:
            output.show(f"Wrote {len(names)} studies to {self.journal}.")
            return 0
        self._require_free_port()
        output.show(f"{len(names)} studies at {url} (Ctrl-C ends it)")
        if self.browser:
            import webbrowser

            webbrowser.open(url)
        # It has no types, and is an extra.
        import_module("optuna_dashboard").run_server(storage, host=self.host, port=self.port)
        return 0

    def _require_free_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except (OSError, OverflowError) as error:
                raise InvalidConfigError(
                    f"Cannot serve on {self.host}:{self.port}: {error}. "
                    "Choose another port with --port."
                ) from None
