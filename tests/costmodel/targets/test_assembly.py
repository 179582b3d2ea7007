from costmodel.targets._assembly import blocks_of, stack_bytes

X86 = """\
\t.text
\t.globl\tkernel
kernel:                                 # @kernel
# %bb.0:
\tpushq\t%rbx
\tsubq\t$40, %rsp
\tvmovups\t%ymm0, 8(%rsp)                  # 32-byte Spill
\txorl\t%eax, %eax
\t.p2align\t4
.LBB0_1:                                # =>This Inner Loop Header: Depth=1
\tvaddps\t8(%rsp), %ymm1, %ymm1           # 32-byte Folded Reload
\tincq\t%rax
\tcmpq\t$100, %rax
\tjne\t.LBB0_1
# %bb.2:
\taddq\t$40, %rsp
\tpopq\t%rbx
\tretq
\t.section\t.rodata
.LCPI0_0:
\t.long\t1
"""
ARM = """\
\t.text
kernel:                                 // @kernel
// %bb.0:
\tstp\td15, d14, [sp, #-32]!           // 16-byte Folded Spill
\tstp\tx20, x19, [sp, #16]             // 16-byte Folded Spill
\tsub\tsp, sp, #64
\tmov\tx19, x3
\tstr\tq8, [sp, #16]                   // 16-byte Folded Spill
\tstr\tx19, [sp, #8]                   // 8-byte Folded Spill
\tcbz\tx0, .LBB0_2
.LBB0_2:
\tldr\tq8, [sp, #16]                   // 16-byte Folded Reload
\tfadd\tv0.4s, v8.4s, v8.4s
\tadd\tsp, sp, #64
\tldp\tx20, x19, [sp, #16]             // 16-byte Folded Reload
\tldp\td15, d14, [sp], #32             // 16-byte Folded Reload
\tret
"""


def test_x86_blocks_end_at_labels_and_jumps_and_data_is_no_code():
    blocks = blocks_of(X86, x86=True)
    assert [len(block.instructions) for block in blocks] == [4, 4, 3]
    assert X86.splitlines()[blocks[1].line].strip().startswith("vaddps")


def test_x86_spills_reloads_and_kinds_are_read_from_operands_and_comments():
    instructions = [one for block in blocks_of(X86, x86=True) for one in block.instructions]
    assert [one.opcode for one in instructions if one.spill] == ["vmovups"]
    assert [one.opcode for one in instructions if one.reload] == ["vaddps"]
    assert [one.opcode for one in instructions if one.memory] == ["vmovups", "vaddps"]
    assert [one.opcode for one in instructions if one.branch] == ["jne", "retq"]


def test_x86_stack_is_what_is_pushed_and_subtracted():
    assert stack_bytes(blocks_of(X86, x86=True), x86=True) == 48


def test_saving_the_callers_registers_is_no_spill_on_aarch64():
    instructions = [one for block in blocks_of(ARM, x86=False) for one in block.instructions]
    assert [one.operands.split(",")[0] for one in instructions if one.spill] == ["q8", "x19"]
    assert [one.operands.split(",")[0] for one in instructions if one.reload] == ["q8"]


def test_aarch64_stack_is_what_is_pushed_and_subtracted():
    assert stack_bytes(blocks_of(ARM, x86=False), x86=False) == 96


def test_restoring_the_callers_registers_is_no_reload_wherever_it_is_scheduled():
    text = """\
\t.text
kernel:
\tldr\tx21, [sp, #8]                   // 8-byte Folded Reload
\tldp\tx20, x19, [sp, #16]             // 16-byte Folded Reload
\tstr\tx21, [x0]
\tldr\tx30, [sp], #32                  // 8-byte Folded Reload
\tb\tfree
"""
    (block,) = blocks_of(text, x86=False)
    assert [one.operands.split(",")[0] for one in block.instructions if one.reload] == ["x21"]


def test_a_prologue_behind_an_early_exit_is_found():
    exit_first = "\t.text\nkernel:\n\ttestq\t%rdi, %rdi\n\tje\t.LBB0_9\n"
    x86 = X86.replace("\t.text\n\t.globl\tkernel\nkernel:", exit_first.rstrip() + "\n.LBB0_8:")
    assert stack_bytes(blocks_of(x86, x86=True), x86=True) == 48
    arm = ARM.replace("kernel:", "kernel:\n\tcbz\tx0, .LBB0_9\n.LBB0_8:")
    blocks = blocks_of(arm, x86=False)
    assert stack_bytes(blocks, x86=False) == 96
    spills = [one for block in blocks for one in block.instructions if one.spill]
    assert [one.operands.split(",")[0] for one in spills] == ["q8", "x19"]
