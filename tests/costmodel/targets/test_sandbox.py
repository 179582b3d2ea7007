import os
import time
from functools import partial

import pytest

from costmodel.targets._sandbox import SampleError, in_this_process, sandboxed, sandboxed_many


def test_values_arrive_in_the_parent():
    def task(report):
        report.stage("work")
        report.value("answer", {"x": [1, 2.5]})

    outcome = sandboxed(task)
    assert outcome.values == {"answer": {"x": [1, 2.5]}}
    assert outcome.failure is None


def test_an_abort_costs_one_sample_and_names_its_stage_and_message():
    def task(report):
        report.value("before", 1)
        report.stage("code generation")
        os.write(2, b"llc: file.cpp:3: Assertion `width >= 8' failed.\n")
        os.abort()

    outcome = sandboxed(task)
    assert outcome.values == {"before": 1}
    assert outcome.failure.stage == "code generation"
    assert outcome.failure.reason == "SIGABRT: Assertion `width >= 8' failed."


def test_a_hang_is_killed_after_the_limit():
    start = time.monotonic()
    outcome = sandboxed(lambda report: time.sleep(60), limit_s=0.2)
    assert outcome.failure.reason == "timeout: more than 0.2 s"
    assert time.monotonic() - start < 30


def test_a_memory_eater_is_stopped_by_its_limit():
    outcome = sandboxed(lambda report: bytearray(1 << 29), memory_bytes=1 << 28)
    assert outcome.failure.reason.startswith("memory")


def test_an_exception_becomes_a_failure_with_its_message():
    def task(report):
        report.stage("lower")
        raise SampleError("no lowering for foo.bar")

    outcome = sandboxed(task)
    assert outcome.failure.stage == "lower"
    assert outcome.failure.reason == "SampleError: no lowering for foo.bar"


@pytest.mark.parametrize("depth", [1, 2])
def test_sandboxes_nest(depth):
    def inner(report):
        report.value("depth", depth)

    def outer(report):
        report.value("inner", dict(sandboxed(inner).values))

    assert sandboxed(outer).values == {"inner": {"depth": depth}}


def test_processor_time_is_limited_apart_from_wall_time():
    def spin(report):
        while True:
            pass

    outcome = sandboxed(spin, limit_s=60.0, cpu_s=0.1)
    assert outcome.failure.reason == "timeout: more processor time than the limit"


def test_many_tasks_run_a_few_at_a_time_and_keep_their_numbers():
    def tasks():
        for number in range(7):
            yield lambda report, number=number: report.value("number", number)

    found = dict(sandboxed_many(tasks(), workers=3))
    assert {number: one.values["number"] for number, one in found.items()} == {
        number: number for number in range(7)
    }


def test_one_child_does_many_tasks_until_one_kills_it():
    def task(number, report):
        report.value("pid", os.getpid())
        report.stage(f"task {number}")
        if number == 2:
            os.abort()
        if number == 3:
            raise SampleError("no")

    tasks = [partial(task, number) for number in range(6)]
    found = dict(sandboxed_many(tasks, tasks_per_child=4))
    pids = [found[number].values["pid"] for number in range(6)]
    assert pids[0] == pids[1] == pids[2]
    assert pids[3] == pids[4] == pids[5] != pids[2]
    assert [found[number].died for number in range(6)] == [number == 2 for number in range(6)]
    assert found[3].failure.reason == "SampleError: no"
    assert found[5].failure is None


def test_the_time_limit_is_one_tasks_not_its_childs():
    def spin(report):
        end = time.process_time() + 0.9
        while time.process_time() < end:
            pass

    found = dict(sandboxed_many([spin] * 4, tasks_per_child=4, cpu_s=1.0))
    assert [one.failure for one in found.values()] == [None] * 4


def test_in_this_process_only_exceptions_become_failures():
    def task(report):
        report.value("before", 1)
        report.stage("work")
        raise SampleError("no")

    outcome = in_this_process(task)
    assert outcome.values == {"before": 1}
    assert outcome.failure.stage == "work"
    assert not outcome.died
