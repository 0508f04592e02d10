"""Which model of the catalogue suits this machine, and why in one sentence.

Figures in, names out: measures no hardware itself and opens nothing.
"""

from __future__ import annotations

from collections.abc import Collection

from playground.models.catalog import CPU_DEFAULT, GB, GPU_DEFAULT, SMALLEST, ModelSpec, find


def choose(
    wanted: str,
    *,
    cuda_memory_bytes: int | None,
    free_memory_bytes: int,
    free_disk_bytes: int,
    present: Collection[str] = (),
    hub_allowed: bool = True,
) -> tuple[ModelSpec, str]:
    """The model to open and one sentence why: the first of `candidates`. Raises ModelUnavailable."""
    return candidates(
        wanted,
        cuda_memory_bytes=cuda_memory_bytes,
        free_memory_bytes=free_memory_bytes,
        free_disk_bytes=free_disk_bytes,
        present=present,
        hub_allowed=hub_allowed,
    )[0]


def candidates(
    wanted: str,
    *,
    cuda_memory_bytes: int | None,
    free_memory_bytes: int,
    free_disk_bytes: int,
    present: Collection[str] = (),
    hub_allowed: bool = True,
) -> tuple[tuple[ModelSpec, str], ...]:
    """The models to try in order, each with one sentence why; never empty.

    What a person named is the only candidate. For "auto" the next one is for the case that the one before cannot be
    had. `cuda_memory_bytes` is None without a GPU; `present` are the ids whose files are on the disk already, so that
    a full disk does not matter to them; `hub_allowed` is False when the Hub is switched off. Raises ModelUnavailable.
    """
    if wanted.strip().lower() != "auto":
        return ((find(wanted), "You named this model."),)
    chosen: list[tuple[ModelSpec, str]] = []
    if cuda_memory_bytes is not None and cuda_memory_bytes >= (GPU_DEFAULT.cuda_memory_bytes or 0):
        obtainable = GPU_DEFAULT.id in present or (hub_allowed and _fits_disk(GPU_DEFAULT, free_disk_bytes))
        if obtainable:
            size = f"{cuda_memory_bytes / GB:.0f} GB"
            chosen.append((GPU_DEFAULT, f"There is a GPU with {size}, enough for the best model here."))
    if CPU_DEFAULT.id not in present and not _fits_disk(CPU_DEFAULT, free_disk_bytes):
        why = f"only {free_disk_bytes / GB:.1f} GB of disk are free"
        return (*chosen, (SMALLEST, f"The smallest model, because {why}."))
    if cuda_memory_bytes is None and free_memory_bytes < (CPU_DEFAULT.memory_bytes or 0):
        why = f"only {free_memory_bytes / GB:.1f} GB of memory are free"
        return (*chosen, (SMALLEST, f"The smallest model, because {why}."))
    if chosen:
        reason = "The best model cannot be had now; this one works everywhere."
    elif cuda_memory_bytes is None:
        reason = "There is no GPU; this model is quick without one."
    else:
        reason = "It fits this GPU, this disk and the sources that are switched on."
    return (*chosen, (CPU_DEFAULT, reason), (SMALLEST, "The smallest model, because no larger one could be opened."))


def _fits_disk(spec: ModelSpec, free_disk_bytes: int) -> bool:
    """Room for the files and for as much again: a model is prepared once, which writes a second copy."""
    return free_disk_bytes >= 2 * (spec.download_bytes or 0)
