from costmodel.targets._machine_ir import register_pressure

MIR = """\
registers:
  - { id: 0, class: gr64, preferred-register: '' }
  - { id: 1, class: vr512, preferred-register: '' }
  - { id: 2, class: vr512, preferred-register: '' }
  - { id: 3, class: vr512, preferred-register: '' }
  - { id: 4, class: gr32, preferred-register: '' }
body:             |
  bb.0:
    successors: %bb.1(0x80000000)
    liveins: $rdi

    %0:gr64 = COPY $rdi
    %1:vr512 = VMOVUPSZrm %0, 1, $noreg, 0, $noreg :: (load (s512) from %ir.0)
    %4:gr32 = MOV32r0 implicit-def dead $eflags

  bb.1:
    successors: %bb.2(0x04000000), %bb.1(0x7c000000)

    %2:vr512 = VMOVUPSZrm %0, 1, $noreg, 64, $noreg :: (load (s512) from %ir.0 + 64)
    %3:vr512 = nofpexcept VADDPSZrr %2, %1, implicit $mxcsr
    VMOVUPSZmr %0, 1, $noreg, 0, $noreg, %3 :: (store (s512) into %ir.0)
    %4:gr32 = INC32r %4, implicit-def $eflags
    JCC_1 %bb.1, 5, implicit $eflags

  bb.2:
    RET64
"""


def test_pressure_counts_values_that_live_at_once_around_a_loop():
    # %1 and %2 live while %3 does not yet; the pointer and the counter live all along.
    assert register_pressure(MIR) == {"fp": 2, "gpr": 2}


def test_a_tuple_of_vectors_counts_as_its_members():
    mir = """\
registers:
  - { id: 0, class: gpr64sp, preferred-register: '' }
  - { id: 1, class: qqqq, preferred-register: '' }
  - { id: 2, class: fpr128, preferred-register: '' }
body:             |
  bb.0:
    %0:gpr64sp = COPY $x0
    %2:fpr128 = LDRQui %0, 0
    %1:qqqq = LD1Fourv4s %0
    ST1Fourv4s %1, %0
    STRQui %2, %0, 0
    RET_ReallyLR
"""
    assert register_pressure(mir) == {"fp": 5, "gpr": 1}
