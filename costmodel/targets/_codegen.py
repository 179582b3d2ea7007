"""Compile LLVM IR for one processor: assembly, and machine code before register allocation."""

from dataclasses import dataclass

from costmodel.targets._toolchain import llvm

__all__ = ["CPUS", "Compilation", "Device"]


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


class Compilation:
    """One program compiled at -O3, as ``opt -O3 | llc -O3 -mcpu=...`` would.

    Args:
        ir: LLVM IR.
        device: What to generate code for.
    """

    def __init__(self, ir: str, device: Device) -> None:
        binding = llvm()
        module = binding.parse_assembly(ir)
        target = binding.Target.from_triple(device.triple)
        machine = target.create_target_machine(
            cpu=device.cpu, opt=3, reloc="pic", codemodel="small"
        )
        module.triple, module.data_layout = device.triple, str(machine.target_data)
        options = binding.PipelineTuningOptions(speed_level=3)
        options.loop_vectorization = options.slp_vectorization = True
        builder = binding.create_pass_builder(machine, options)
        builder.getModulePassManager().run(module, builder)
        machine.set_asm_verbosity(True)
        self.device = device
        self._machine = machine
        # Code generation changes the IR, so that each run of it needs a copy of its own.
        self._optimised = module.clone()
        self.assembly: str = machine.emit_assembly(module)
        """Assembly with LLVM's comments, which mark spills and reloads."""

    def machine_ir(self) -> str:
        """Return machine IR in virtual registers, just before the greedy register allocator.

        May be called once.
        """
        binding = llvm()
        binding.set_option("", "-stop-before=greedy")
        try:
            return str(self._machine.emit_assembly(self._optimised))
        finally:
            binding.set_option("", "-stop-before=")
