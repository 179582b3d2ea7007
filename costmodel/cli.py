"""The command ``costmodel``: predict what programs will cost, train the models that do.

Exit codes: 0 done; 1 a compilation, training or write failed; 2 the input is wrong (usage, a
name, a value, a file or folder); 130 interrupted by Ctrl-C.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional, subcommand

from costmodel._cli.adapt import Adapt
from costmodel._cli.evaluate import Evaluate
from costmodel._cli.label import Label
from costmodel._cli.predict import Predict
from costmodel._cli.rank import Rank
from costmodel._cli.train import Train
from costmodel.errors import MissingDependencyError
from simulators._terminal import OK, Output, Verb, exit_code_of
from simulators.errors import BackendError, InvalidConfigError

DESCRIPTION = "Learned cost models for compilers: predict, rank, train, evaluate, label programs."


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Build data sets of labelled programs: costmodel corpus build --size N --out DIR."""

    action: Positional[Literal["build", "extend"]]
    """What to do; its options: costmodel corpus build --help, costmodel corpus extend --help."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Say how to say it."""
        raise InvalidConfigError(f"Write 'costmodel corpus {self.action}' first, then its options.")


_VERBS = (
    Annotated[Predict, subcommand("predict")]
    | Annotated[Rank, subcommand("rank")]
    | Annotated[Label, subcommand("label")]
    | Annotated[Train, subcommand("train")]
    | Annotated[Evaluate, subcommand("evaluate")]
    | Annotated[Adapt, subcommand("adapt")]
    | Annotated[Corpus, subcommand("corpus")]
)
_STYLE = (
    tyro.conf.FlagCreatePairsOff,
    tyro.conf.OmitSubcommandPrefixes,
    tyro.conf.OmitArgPrefixes,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; never raises for a user's mistake.

    Args:
        argv: Arguments without the program's name; by default those of the process.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    failures = (BackendError, MissingDependencyError)
    return exit_code_of("costmodel", lambda: _run(arguments), failures)


def _run(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        return _version()
    verb = _parsed(arguments)
    return verb.run(Output(as_json=verb.json))


def _parsed(arguments: list[str]) -> Verb:
    if arguments[:1] == ["corpus"] and arguments[1:2] in (["build"], ["extend"]):
        return _corpus_verb(arguments[1], arguments[2:])
    verb: Verb = tyro.cli(
        _VERBS, prog="costmodel", description=DESCRIPTION, args=arguments, config=_STYLE
    )
    return verb


def _corpus_verb(action: str, arguments: list[str]) -> Verb:
    from costmodel._cli.corpus import CorpusBuild, CorpusExtend  # the other verbs need not wait

    verbs: dict[str, type[Verb]] = {"build": CorpusBuild, "extend": CorpusExtend}
    return tyro.cli(verbs[action], prog=f"costmodel corpus {action}", args=arguments, config=_STYLE)


def _version() -> int:
    from importlib.metadata import version

    print(f"costmodel {version('archgym')}")
    return OK


if __name__ == "__main__":
    sys.exit(main())
