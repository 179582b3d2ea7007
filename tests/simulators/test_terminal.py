"""What both command lines share: exit codes, errors in one line, tables and JSON, numbers."""

import errno
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from simulators._terminal import Output, exit_code_of, grid, plain
from simulators._text import duration, number
from simulators.errors import BackendError, InvalidConfigError, TraceFormatError


def raising(error):
    def work():
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidConfigError("no"), 2),
        (BackendError("no"), 1),
        (SystemExit(0), 0),
        (SystemExit("text"), 2),
        (KeyboardInterrupt(), 130),
        (FileNotFoundError(errno.ENOENT, "No such file", "x"), 2),
        (OSError(errno.ENOSPC, "No space left"), 1),
    ],
)
def test_an_error_becomes_its_exit_code(error, code):
    assert exit_code_of("program", raising(error)) == code


def test_what_counts_as_a_failure_is_the_programs_choice():
    work = raising(TraceFormatError("no"))
    assert exit_code_of("program", work) == 2
    assert exit_code_of("program", work, (TraceFormatError,)) == 1


def test_an_error_is_one_line_on_stderr(capsys):
    exit_code_of("program", raising(InvalidConfigError("Say what.")))
    exit_code_of("program", raising(IsADirectoryError(errno.EISDIR, "Is a directory", "here")))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [
        "program: Say what.",
        "program: 'here': Is a directory. Choose another path, or mend this one.",
    ]


def test_an_error_of_nobodys_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        exit_code_of("program", raising(ZeroDivisionError()))


def test_a_reader_that_has_seen_enough_ends_the_program_quietly():
    code = (
        "import sys\n"
        "from simulators._terminal import exit_code_of\n"
        "def work():\n"
        "    while True:\n"
        "        sys.stdout.write('line\\n' * 1000)\n"
        "sys.exit(exit_code_of('program', work))"
    )
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_result_is_json_only_when_asked_for(capsys):
    Output().result({"value": 1.0})
    assert capsys.readouterr().out == ""
    Output(as_json=True).show("a table")
    assert capsys.readouterr().out == ""
    Output(as_json=True).result({"value": np.float64(np.nan), "count": np.int64(3)})
    assert json.loads(capsys.readouterr().out) == {"value": None, "count": 3}


def test_json_keeps_what_it_has_and_words_the_rest():
    assert plain({1: (True, "x", None, np.inf), "kind": int}) == {
        "1": [True, "x", None, None],
        "kind": "<class 'int'>",
    }


def test_a_header_with_an_arrow_aligns_its_column_to_the_right():
    table = grid(["name", ">cost"], [["one", 1]])
    assert [column.justify for column in table.columns] == ["left", "right"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (float("nan"), "-"),
        (float("-inf"), "-inf"),
        (0.0, "0"),
        (1234567.0, "1,234,567"),
        (0.5, "0.5"),
        (3.14159, "3.142"),
        (2e-7, "2.000e-07"),
        (1e16, "1.000e+16"),
    ],
)
def test_a_number_has_four_significant_digits(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(8.4, "8 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (float("inf"), "-")],
)
def test_a_duration_has_two_units_at_most(seconds, text):
    assert duration(seconds) == text


def test_rich_is_imported_when_something_is_shown():
    code = "import sys, simulators._terminal; print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
