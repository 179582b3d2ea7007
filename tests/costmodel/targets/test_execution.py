import ctypes

import pytest

from costmodel.targets import execution, throughput
from costmodel.targets._assembly import blocks_of
from costmodel.targets._buffers import Argument, Buffers
from costmodel.targets._codegen import CPUS

LOOP = """\
\t.text
\t.globl\tkernel
kernel:
\tmovl\t$0, (%rdi)
\txorl\t%eax, %eax
.L1:
\tincl\t(%rdi)  # 4-byte Folded Reload
\tincl\t%eax
\tcmpl\t$100, %eax
\tjne\t.L1
\tretq
"""


@pytest.fixture
def haswell():
    pytest.importorskip("llvmlite.binding")
    pytest.importorskip("mlir.ir")
    from costmodel.targets._jit import host_runs

    if not host_runs("x86-64-haswell"):
        pytest.skip("this machine cannot run AVX2 code")
    return CPUS["x86-64-haswell"]


def test_each_block_is_counted_and_the_code_still_works(haswell):
    from costmodel.targets._jit import Kernel

    arguments = [Argument("i32", (1,))]
    blocks = blocks_of(LOOP, x86=True)
    kernel = Kernel(LOOP, "kernel", arguments, haswell, blocks)
    buffers = Buffers(arguments)
    kernel(buffers.values())
    assert kernel.counts() == [1, 100, 1]
    assert buffers.arrays[0][0] == 100
    labels = execution.labels(blocks, kernel.counts())
    assert labels[f"{execution.DEVICE}/executed_instructions"] == 2 + 4 * 100 + 1
    assert labels[f"{execution.DEVICE}/dynamic_reloads"] == 100


def test_llvm_mca_weighs_blocks_by_their_counts():
    pytest.importorskip("llvm")
    blocks = blocks_of(LOOP, x86=True)
    once = throughput.labels(blocks, [1, 100, 1])
    ten_times = throughput.labels(blocks, [10, 1000, 10])
    cycles = f"{throughput.DEVICE}/mca_cycles"
    # A store forwarded to the next load takes at least 4 cycles on any x86-64.
    assert once[cycles] >= 100
    assert ten_times[cycles] == pytest.approx(10 * once[cycles])


def test_buffers_hold_the_same_numbers_every_time_and_notice_a_difference():
    arguments = [Argument("f32", (3, 4)), Argument("i64", ()), Argument("index", None)]
    first, second = Buffers(arguments, seed=1), Buffers(arguments, seed=1)
    assert first.differs(second.copied()) is None
    first.arrays[0][1, 1] += 1.0
    assert "argument 0" in first.differs(second.arrays)


def test_writing_beyond_a_buffer_is_noticed():
    buffers = Buffers([Argument("f32", (5,)), Argument("f64", (3,))])
    assert buffers.overrun() is None
    address = buffers.arrays[1].ctypes.data + buffers.arrays[1].nbytes
    ctypes.c_char.from_address(address).value = b"x"
    assert buffers.overrun() == "writes outside of argument 1"
