"""Machine code for this computer's processor, made by LLVM as a library: no compiler has to be installed.

Owns the way from IR to object code and to addresses. Knows no kernel.
"""

from __future__ import annotations

import ctypes
import sys

from llvmlite import binding, ir

NEEDED = ("avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512vnni")
"""What the kernels are written for: AVX-512 with integer dot products (Intel since Ice Lake, AMD since Zen 4)."""

MATRIX_UNIT = "+amx-tile,+amx-bf16"
ARCH_PRCTL, REQUEST_PERMISSION, TILE_DATA = 158, 0x1023, 18
"""Number of the system call, of its request for a processor state, and of the state of AMX."""


def is_supported() -> bool:
    """Whether the kernels can run on this processor."""
    if sys.platform == "win32" or ctypes.sizeof(ctypes.c_void_p) != 8:  # on Windows they were never tried
        return False
    if not binding.get_process_triple().startswith(("x86_64", "amd64")):
        return False
    try:
        features = binding.get_host_cpu_features()
    except RuntimeError:
        return False
    return all(features.get(name) for name in NEEDED)


def enable_matrix_unit() -> bool:
    """Ask the system for AMX; whether this process may use it."""
    features = binding.get_host_cpu_features()
    if not (sys.platform == "linux" and features.get("amx-tile") and features.get("amx-bf16")):
        return False
    # The state of the unit is large, so Linux gives it only to processes that ask.
    return ctypes.CDLL(None).syscall(ARCH_PRCTL, REQUEST_PERMISSION, TILE_DATA) == 0


def processor() -> str:
    """Name and features of this processor: what object code depends on."""
    return f"{binding.get_process_triple()} {binding.get_host_cpu_name()} {binding.get_host_cpu_features().flatten()}"


def compile_module(module: ir.Module) -> bytes:
    """Object code of a module. Raises RuntimeError for IR that is no IR."""
    machine = _target_machine()
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    parsed = binding.parse_assembly(str(module))
    parsed.verify()
    options = binding.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = options.slp_vectorization = False  # kernels are written in vectors already
    passes = binding.create_pass_builder(machine, options)
    passes.getModulePassManager().run(parsed, passes)
    return machine.emit_object(parsed)


class MachineCode:
    """Object code in memory; its functions live as long as this object. LLVM ends the process over damaged code."""

    def __init__(self, object_code: bytes) -> None:
        empty = binding.parse_assembly("")
        self._engine = binding.create_mcjit_compiler(empty, _target_machine())
        self._engine.add_object_file(binding.ObjectFileRef.from_data(object_code))
        self._engine.finalize_object()

    def address(self, name: str) -> int:
        """Where a function begins. Raises RuntimeError when there is none of this name."""
        address = self._engine.get_function_address(name)
        if not address:
            raise RuntimeError(f"no function {name}")
        return address


def _target_machine() -> binding.TargetMachine:
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_triple(binding.get_process_triple())
    # LLVM aborts the process over code for a unit that its target lacks; without AMX that code is made, never called.
    features = f"{binding.get_host_cpu_features().flatten()},{MATRIX_UNIT}"
    return target.create_target_machine(cpu=binding.get_host_cpu_name(), features=features, opt=2, reloc="pic")
