"""The fast way through a network of the Llama family on a CPU: our own kernels from the token ids to the logits.

Owns the step. It uses the same batch, caches and attention function as `transformers_forward.py` and gives the same logits
up to rounding: activations are rounded to 8 bits for up to 16 rows, and to bf16 for more where the processor has a matrix
unit (AMX). Between two attentions the interpreter does nothing. Raises Unsuitable for a network that it cannot run.
"""

from __future__ import annotations

import torch
from torch import Tensor

from playground.engine.attention_function import AttentionStep, attend_layer
from playground.engine.batch import Batch
from playground.engine.llama_family import Network, read_network
from playground.engine.row_attention import RowAttention
from playground.engine.step_programs import Angles, StepPrograms, norm_stage
from playground.kernels.library import FEW_ROWS, Activations, Library
from playground.kernels.team import Program
from playground.models.loader import LoadedModel
from playground.models.packed_layers import PackedLinear


class Int4Forward:
    """`step(batch) -> logits` over a loaded model with packed weights."""

    exact_rows = FEW_ROWS
    """The integer kernels and the attention of rows do the same for a row whatever comes with it."""

    def __init__(self, loaded: LoadedModel, library: Library) -> None:
        self._network = read_network(loaded.model)
        self._library = library
        self._angles = Angles(self._network)
        network = self._network
        shape = {"heads": network.heads, "key_heads": network.key_heads, "size": network.size}
        self._attention = RowAttention(library, **shape, room=2 * FEW_ROWS)
        self._programs: dict[int, StepPrograms] = {}
        self._outputs: dict[int, _Output] = {}

    def use_threads(self, count: int) -> None:
        """How many threads the next steps may use."""
        self._library.use_threads(count)

    @torch.inference_mode()
    def step(self, batch: Batch) -> Tensor:
        """Logits [rows, vocabulary] in float32 for `batch.logit_indices`; appends to every sequence's cache.

        A step that raises leaves every cache at its former length.
        """
        rows = len(batch.token_ids)
        few = rows <= FEW_ROWS
        torch.set_num_threads(1)  # PyTorch's own threads would fight with ours for the cores
        programs = self._prepare(batch, few=few)
        self._read(programs, AttentionStep(batch, rows=self._attention if few else None, library=self._library))
        for piece in batch.slices:
            piece.cache.advance(len(piece.token_ids))
        return self._logits(programs.hidden, batch.logit_indices)

    def _prepare(self, batch: Batch, *, few: bool) -> StepPrograms:
        rows = len(batch.token_ids)
        if self._angles.reach(max(batch.positions) + 1):
            self._programs.clear()
        programs = self._programs.get(rows)
        if programs is None:
            matrix = self._library.has_matrix_unit and not few
            attended = self._attention.out if few else None
            programs = StepPrograms(
                self._network, self._library, self._angles, rows=rows, matrix=matrix, attended=attended
            )
            if few:  # buffers for a whole prompt are too large to keep
                self._programs[rows] = programs
        programs.load(batch.token_ids, batch.positions)
        return programs

    def _read(self, programs: StepPrograms, step: AttentionStep) -> None:
        library, scaling = self._library, self._network.scaling
        query, key, value = programs.query, programs.key, programs.value
        library.run(programs.first)
        for layer, program in zip(self._network.layers, programs.rest, strict=True):
            attended = attend_layer(step, layer.index, query, key, value, scaling=scaling, window=layer.window)
            programs.take_attention(attended)
            library.run(program)

    def _logits(self, hidden: Tensor, indices: list[int]) -> Tensor:
        parts = []
        for start in range(0, len(indices), FEW_ROWS):
            chosen = hidden[indices[start : start + FEW_ROWS]]
            output = self._outputs.get(len(chosen))
            if output is None:
                output = self._outputs[len(chosen)] = _Output(self._network, self._library, rows=len(chosen))
            parts.append(output.logits(chosen))
        if not parts:
            return torch.empty(0, self._network.head.out_features)
        return parts[0] if len(parts) == 1 else torch.cat(parts)


class _Output:
    """The last norm and the output layer for a number of rows."""

    def __init__(self, network: Network, library: Library, *, rows: int) -> None:
        self._network, self._library, self._rows = network, library, rows
        self._hidden = torch.empty(rows, network.hidden)
        self._program, self._logits = None, torch.empty(0)
        if isinstance(network.head, PackedLinear):
            x = Activations.rounded(rows, network.hidden)
            self._logits = torch.empty(rows, network.head.out_features)
            norm = norm_stage(library, self._hidden, network.norm, network.epsilon, x, rows=rows)
            self._program = Program([norm, library.product(network.head.packed, x, self._logits, rows=rows)])

    def logits(self, hidden: Tensor) -> Tensor:
        """float32 [rows, vocabulary] of the last layer's rows."""
        network = self._network
        if self._program is None:
            normed = torch.nn.functional.rms_norm(hidden, (network.hidden,), network.norm, network.epsilon)
            return network.head(normed.to(torch.bfloat16)).float()
        self._hidden.copy_(hidden)
        self._library.run(self._program)
        return self._logits.clone()
