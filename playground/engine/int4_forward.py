"""The fast way through a network of the Llama family on a CPU: our own kernels from the token ids to the logits.

Owns the step. It uses the same batch and caches as `transformers_forward.py`, and the same attention function for
prompts; a decode step, attention of rows included, is one program for the kernels' threads. The logits are the same
up to rounding: activations are rounded to 8 bits for up to 16 rows, and to bf16 for more where the processor has a
matrix unit (AMX). Raises Unsuitable for a network that it cannot run.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from playground.engine.attention_function import AttentionStep, attend_layer
from playground.engine.batch import Batch
from playground.engine.llama_family import Layer, read_network
from playground.engine.row_attention import RowAttention
from playground.engine.step_programs import Angles, Output, StepBuffers, StepPrograms
from playground.kernels.library import FEW_ROWS, Library
from playground.kernels.program import Program
from playground.models.loader import LoadedModel
from playground.models.machine import give_back_memory
from playground.models.packed_layers import PackedLinear


class Int4Forward:
    """`step(batch) -> logits` over a loaded model with packed weights."""

    def __init__(self, loaded: LoadedModel, library: Library) -> None:
        network = self._network = read_network(loaded.model)
        self._library = library
        # The integer kernels and the attention of rows do the same for a row whatever comes with it; PyTorch does not.
        self.exact_rows = FEW_ROWS if isinstance(network.head, PackedLinear) else 1
        self._angles = Angles(network)
        self._attention = RowAttention(
            library,
            layers=len(network.layers),
            heads=network.heads,
            key_heads=network.key_heads,
            size=network.size,
            scaling=network.scaling,
            room=FEW_ROWS,
        )
        self._kept: dict[tuple[int, bool], StepPrograms] = {}
        self._few = StepBuffers(network, rows=FEW_ROWS, matrix=False)
        self._many = StepBuffers(network, rows=1, matrix=library.has_matrix_unit)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers' weights, in order."""
        return self._network.layers

    def use_threads(self, count: int) -> None:
        """How many threads the next steps may use."""
        self._library.use_threads(count)

    @torch.inference_mode()
    def step(self, batch: Batch) -> Tensor:
        """Logits [rows, vocabulary] in float32 for `batch.logit_indices`, valid until the next step; appends to every
        sequence's cache. A step that raises leaves every cache at its former length.
        """
        torch.set_num_threads(1)  # PyTorch's own threads would fight with ours for the cores
        longest = max(batch.positions) + 1
        if self._angles.reach(longest):
            self._kept.clear()
        # The program shows nobody its queries, and keeps what it reads.
        few = len(batch.token_ids) <= FEW_ROWS and not batch.watched and not batch.branched
        logits = self._run_whole(batch, longest) if few else self._run_by_layer(batch)
        for piece in batch.slices:
            piece.cache.advance(piece.kept)
        return logits

    @torch.inference_mode()
    def read_out(self, hidden: Tensor) -> Tensor:
        """Logits [n, vocabulary] in float32 of rows of the residual stream, float32 [n, hidden]."""
        torch.set_num_threads(1)
        return self._logits(hidden, list(range(len(hidden))))

    def _run_whole(self, batch: Batch, longest: int) -> Tensor:
        """A decode step: everything in one call. Rows of a prompt that need no logits get none."""
        rows = len(batch.token_ids)
        wanted = len(batch.logit_indices) == rows
        if self._attention.reach(longest):
            self._kept.clear()
        programs = self._kept.get((rows, wanted))
        if programs is None:
            programs = self._programs(self._few, rows, attention=self._attention, with_output=wanted)
            self._kept[rows, wanted] = programs
        programs.load(batch.token_ids, batch.positions)
        self._attention.begin(batch)
        self._library.run(programs.whole)
        return programs.output.logits() if programs.output else self._logits(programs.hidden, batch.logit_indices)

    def _run_by_layer(self, batch: Batch) -> Tensor:
        """A piece of a prompt, or any number of rows that somebody watches."""
        rows = len(batch.token_ids)
        if rows > self._many.room:
            self._many = StepBuffers(self._network, rows=rows, matrix=self._many.matrix)
        programs = self._programs(self._many, rows)
        programs.load(batch.token_ids, batch.positions)
        step, scaling = AttentionStep(batch, library=self._library), self._network.scaling
        query, key, value = programs.query, programs.key, programs.value
        self._library.run(programs.first)
        for piece, watch in batch.watched:
            watch.take_residual(0, programs.hidden[piece.stop - 1])
        for layer, program in zip(self._network.layers, programs.rest, strict=True):
            attended = attend_layer(step, layer.index, query, key, value, scaling=scaling, window=layer.window)
            programs.take_attention(attended)
            self._library.run(program)
            for piece, watch in batch.watched:
                watch.take_residual(layer.index + 1, programs.hidden[piece.stop - 1])
        give_back_memory()  # what PyTorch's attention needed meanwhile
        return self._logits(programs.hidden, batch.logit_indices)

    def _programs(self, buffers: StepBuffers, rows: int, **how: Any) -> StepPrograms:
        return StepPrograms(self._network, self._library, self._angles, buffers, rows=rows, **how)

    def _logits(self, hidden: Tensor, indices: list[int]) -> Tensor:
        """Of chosen rows, a few at a time: the integer kernels are meant for few."""
        parts = [torch.empty(0, self._network.head.out_features)]
        for start in range(0, len(indices), FEW_ROWS):
            chosen = hidden[indices[start : start + FEW_ROWS]]
            output = Output(self._network, self._library, chosen)
            if output.stages:
                self._library.run(Program(output.stages))
            parts.append(output.logits())
        return torch.cat(parts)
