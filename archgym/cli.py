"""The command ``archgym``: evaluate designs, search design spaces, look at what was found.

Exit codes: 0 done; 1 a simulation, program or comparison failed; 2 the input is wrong (usage,
a name, a value, a file or folder); 130 interrupted by Ctrl-C.
"""

import sys
from collections.abc import Sequence
from typing import Annotated

import tyro
from tyro.conf import subcommand

from archgym._cli._dashboard import Dashboard
from archgym._cli._dataset import DatasetExport, DatasetInfo, DatasetMerge
from archgym._cli._enumerate import Enumerate
from archgym._cli._envs import Envs
from archgym._cli._evaluate import Evaluate
from archgym._cli._proxy import ProxyEvaluate, ProxyPredict, ProxyTrain
from archgym._cli._replay import Replay
from archgym._cli._report import Report
from archgym._cli._search import Search
from archgym._cli._sweep import Sweep
from archgym._cli._trace import TraceConvert, TraceInfo, TraceList, TraceRecord
from archgym.errors import did_you_mean
from simulators._terminal import BAD_INPUT, OK, Output, Verb, exit_code_of

DESCRIPTION = "Design-space exploration of computer hardware: evaluate, search, replay, report."

_TRACE = (
    Annotated[TraceRecord, subcommand("record")]
    | Annotated[TraceInfo, subcommand("info")]
    | Annotated[TraceList, subcommand("list")]
    | Annotated[TraceConvert, subcommand("convert")]
)
_DATASET = (
    Annotated[DatasetMerge, subcommand("merge")]
    | Annotated[DatasetInfo, subcommand("info")]
    | Annotated[DatasetExport, subcommand("export")]
)
_PROXY = (
    Annotated[ProxyTrain, subcommand("train")]
    | Annotated[ProxyEvaluate, subcommand("evaluate")]
    | Annotated[ProxyPredict, subcommand("predict")]
)
_VERBS = (
    Annotated[Envs, subcommand("envs")]
    | Annotated[Evaluate, subcommand("evaluate")]
    | Annotated[Search, subcommand("search")]
    | Annotated[Sweep, subcommand("sweep")]
    | Annotated[Enumerate, subcommand("enumerate")]
    | Annotated[
        _DATASET,
        subcommand("dataset", description="Gather, describe and convert the trials of all agents."),
    ]
    | Annotated[
        _PROXY,
        subcommand("proxy", description="Learn to predict the metrics of designs."),
    ]
    | Annotated[Replay, subcommand("replay")]
    | Annotated[Report, subcommand("report")]
    | Annotated[Dashboard, subcommand("dashboard")]
    | Annotated[
        _TRACE,
        subcommand("trace", description="Record, describe, list and convert memory traces."),
    ]
)
_NAMES = (
    "envs",
    "evaluate",
    "search",
    "sweep",
    "enumerate",
    "dataset",
    "proxy",
    "replay",
    "report",
    "dashboard",
    "trace",
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
    return exit_code_of("archgym", lambda: _run(arguments))


def _run(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        return _version()
    if arguments and arguments[0] not in _NAMES and not arguments[0].startswith("-"):
        print(
            f"archgym: there is no verb {arguments[0]!r}.{did_you_mean(arguments[0], _NAMES)} "
            f"Verbs: {', '.join(_NAMES)}.",
            file=sys.stderr,
        )
        return BAD_INPUT
    # What follows "--" is a program with options of its own; none of them is ours.
    split = arguments.index("--") if "--" in arguments else len(arguments)
    own, program = arguments[:split], arguments[split + 1 :]
    verb = _parsed(own, program)
    return verb.run(Output(as_json=verb.json))


def _parsed(own: list[str], program: list[str]) -> Verb:
    verb: Verb = tyro.cli(_VERBS, prog="archgym", description=DESCRIPTION, args=own, config=_STYLE)
    if not program:
        return verb
    if not isinstance(verb, TraceRecord):
        print("archgym: only 'archgym trace record' takes a command after --.", file=sys.stderr)
        raise SystemExit(BAD_INPUT)
    from dataclasses import replace

    return replace(verb, command=(*verb.command, *program))


def _version() -> int:
    from archgym import __version__

    print(f"archgym {__version__}")
    return OK


if __name__ == "__main__":
    sys.exit(main())
