"""Compile LLVM IR for one processor: assembly, and machine code before register allocation."""

from dataclasses import dataclass

from costmodel.targets._toolchain import llvm

__all__ = ["CPUS", "Compiled", "Device", "compile_for"]


@dataclass(frozen=True, slots=True)
class Device:
    """A processor that LLVM generates code for."""

    name: str
    triple: str
    cpu: str

    @property
    def is_x86(self) -> bool:
        """Whether the assembly is x86-64's."""
        return self.triple.startswith("x86_64")


_X86, _ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"
CPUS = {
    device.name: device
    for device in (
        Device("x86-64-znver4", _X86, "znver4"),
        Device("x86-64-skylake-avx512", _X86, "skylake-avx512"),
        Device("x86-64-haswell", _X86, "haswell"),
        Device("aarch64-neoverse-v2", _ARM, "neoverse-v2"),
    )
}


@dataclass(frozen=True, slots=True)
class Compiled:
    """What the compiler made of one program."""

    assembly: str
    """Assembly with LLVM's comments, which mark spills and reloads."""
    machine_ir: str
    """Machine IR in virtual registers, just before the greedy register allocator."""


def compile_for(ir: str, device: Device) -> Compiled:
    """Optimise at -O3 and generate code, as ``opt -O3 | llc -O3 -mcpu=...`` would."""
    binding = llvm()
    module = binding.parse_assembly(ir)
    target = binding.Target.from_triple(device.triple)
    machine = target.create_target_machine(cpu=device.cpu, opt=3, reloc="pic", codemodel="small")
    module.triple, module.data_layout = device.triple, str(machine.target_data)
    options = binding.PipelineTuningOptions(speed_level=3)
    options.loop_vectorization = options.slp_vectorization = True
    builder = binding.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    machine.set_asm_verbosity(True)
    # Code generation changes the IR, so that each of the two runs needs its own copy.
    copy = module.clone()
    binding.set_option("", "-stop-before=greedy")
    try:
        machine_ir = machine.emit_assembly(copy)
    finally:
        binding.set_option("", "-stop-before=")
    return Compiled(machine.emit_assembly(module), machine_ir)
