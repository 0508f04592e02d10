"""The work between the attentions of one step, as lists of stages for the kernels' threads.

Owns the buffers of a step and the order of its stages. For a decode step they are built once for a number of rows, so
that nothing here is done for each token; for a piece of a prompt they are built each time, which is little beside it.
Knows nothing of sequences and caches.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from playground.engine.llama_family import Layer, Network, as_floats, embedding_of
from playground.engine.row_attention import RowAttention
from playground.kernels.embedding import Embed
from playground.kernels.formats import GROUP
from playground.kernels.library import Activations, Library, weights
from playground.kernels.matrix import ROW_BLOCK
from playground.kernels.program import Program, Stage
from playground.kernels.rows import Gate, Norm, Rotation, Rounding
from playground.models.packed_layers import PackedLinear

PART_COLUMNS = 512
"""The activation of one row is divided among the threads in parts of so many columns."""


class Angles:
    """Cosines and sines of all positions up to a number that grows; one table for each kind of layer."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.count = 0
        self.tables: dict[str, tuple[Tensor, Tensor]] = {}

    def reach(self, count: int) -> bool:
        """Have at least `count` positions; whether the tables had to be made anew."""
        if count <= self.count:
            return False
        self.count = max(2 * self.count, count, 2048)
        self.tables = {kind: self._network.angles(kind, self.count) for kind in self._network.kinds}
        return True


class StepBuffers:
    """Activations of a step of up to `rows` rows. They are kept: large buffers that come and go leave holes in memory.

    `matrix`: products are made in bf16 on the matrix unit, else with 8-bit integers.
    """

    def __init__(self, network: Network, *, rows: int, matrix: bool) -> None:
        self.room = -(-rows // ROW_BLOCK) * ROW_BLOCK
        self.matrix = matrix
        heads = network.heads + 2 * network.key_heads
        widest = max(network.hidden, network.feed_forward, network.heads * network.size)
        self.hidden = torch.empty(self.room, network.hidden)
        self.ids, self.positions = (torch.empty(self.room, dtype=torch.int64) for _ in range(2))
        self.qkv = torch.empty(self.room, heads * network.size)
        self.rotated = torch.empty(self.room, heads, network.size, dtype=torch.bfloat16)
        self.gate_up = torch.empty(self.room, 2 * network.feed_forward)
        has_branch = network.layers[0].after_attention_norm is not None
        self.branch = torch.empty(self.room, network.hidden) if has_branch else None
        shape = (self.room, network.heads, network.size)
        if matrix:
            self.x = Activations(torch.empty(self.room * widest, dtype=torch.bfloat16))
            self.attended = self.x.numbers[: self.room * network.heads * network.size].view(shape)
        else:
            self.x = Activations.rounded(self.room, widest)
            self.attended = torch.empty(shape)
        self._vocabulary = network.head.out_features
        self._logits = torch.empty(0)

    def logits(self, rows: int) -> Tensor:
        """Room for the logits of `rows` rows, the same for every number of rows."""
        if rows > len(self._logits):
            self._logits = torch.empty(self.room, self._vocabulary)
        return self._logits[:rows]


class StepPrograms:
    """Programs for steps of exactly `rows` rows over `buffers`.

    With `attention` a step is one program, `whole`, from ids to the last layer and, `with_output`, to the logits.
    Without it the attention is called for every layer between `first` and the programs of `rest`.
    """

    def __init__(
        self,
        network: Network,
        library: Library,
        angles: Angles,
        buffers: StepBuffers,
        *,
        rows: int,
        attention: RowAttention | None = None,
        with_output: bool = False,
    ) -> None:
        self._network, self._library, self._angles = network, library, angles
        self._rows = rows
        self._buffers, self._x = buffers, buffers.x
        self.hidden = buffers.hidden
        self.attended = buffers.attended if attention is None else attention.out
        parts = buffers.rotated[:rows].transpose(0, 1).split([network.heads, network.key_heads, network.key_heads])
        self.query, self.key, self.value = parts
        layers = network.layers
        first = [*self._embed(), *self._before_attention(layers[0])]
        rest = [
            [*self._after_attention(layer), *(self._before_attention(following) if following else ())]
            for layer, following in zip(layers, (*layers[1:], None), strict=True)
        ]
        self.output: Output | None = None
        if attention is None:
            self.first, self.rest = Program(first), tuple(Program(stages) for stages in rest)
            return
        stages = [*first, *self._with_attention(attention, rest)]
        if with_output:
            self.output = Output(network, library, self.hidden[:rows], buffers.logits(rows))
            stages += self.output.stages
        self.whole = Program(stages)

    def load(self, token_ids: list[int], positions: list[int]) -> None:
        """What the step shall read. Raises IndexError for a token that the network does not have."""
        self._buffers.ids[: self._rows] = torch.tensor(token_ids)
        self._buffers.positions[: self._rows] = torch.tensor(positions)
        table = embedding_of(self._network)
        if table is None:
            self.hidden[: self._rows] = self._network.embedding(self._buffers.ids[: self._rows])
        elif not 0 <= min(token_ids) <= max(token_ids) < table.num_embeddings:  # the kernel would read anything
            raise IndexError(f"a token of {token_ids} is not one of {table.num_embeddings}")

    def take_attention(self, attended: Tensor) -> None:
        """Bring [heads, rows, size] to where the next program reads it."""
        self.attended[: self._rows] = attended.transpose(0, 1)

    def _with_attention(self, attention: RowAttention, rest: list[list[Stage]]) -> list[Stage]:
        stages = []
        for layer, following in zip(self._network.layers, rest, strict=True):
            stages += attention.stages(layer.index, self.query, self.key, self.value, window=layer.window)
            stages += following
        return stages

    def _embed(self) -> list[Stage]:
        table = embedding_of(self._network)
        if table is None:
            return []
        arguments = {
            Embed.GROUPS: self._network.hidden // GROUP,
            Embed.IDS: self._buffers.ids,
            Embed.OUT: self.hidden,
            Embed.MULTIPLIER: float(table.multiplier),
        }
        name = f"embed_{table.kind.name}"
        return [self._library.stage(name, arguments | weights(table.packed), chunks=self._rows)]

    def _before_attention(self, layer: Layer) -> list[Stage]:
        network, start = self._network, 0
        stages = [self._norm(layer.attention_norm)]
        for linear in (layer.query, layer.key, layer.value):
            out = self._buffers.qkv[:, start : start + linear.out_features]
            stages.append(self._product(linear, out, waits=linear is layer.value))
            start += linear.out_features
        cosines, sines = self._angles.tables[layer.kind]
        rotation = {
            Rotation.HEADS: network.heads,
            Rotation.KEY_HEADS: network.key_heads,
            Rotation.SIZE: network.size,
            Rotation.IN: self._buffers.qkv,
            Rotation.OUT: self._buffers.rotated,
            Rotation.POSITIONS: self._buffers.positions,
            Rotation.COSINES: cosines,
            Rotation.SINES: sines,
            Rotation.QUERY_NORM: layer.query_norm,
            Rotation.KEY_NORM: layer.key_norm,
            Rotation.EPSILON: network.epsilon,
        }
        return [*stages, self._library.stage("rotate", rotation, chunks=self._rows)]

    def _after_attention(self, layer: Layer) -> list[Stage]:
        network, width = self._network, self._network.feed_forward
        stages = []
        if self._x.scales is not None:
            columns = network.heads * network.size
            arguments = {Rounding.IN: self.attended} | self._x.arguments(columns)
            stages.append(self._library.stage("round", arguments, chunks=self._rows))
        stages += self._into_hidden(layer.output, layer.after_attention_norm)
        stages.append(self._norm(layer.feed_forward_norm))
        stages.append(self._product(layer.gate, self._buffers.gate_up[:, :width], waits=False))
        stages.append(self._product(layer.up, self._buffers.gate_up[:, width:]))
        parts = -(-width // PART_COLUMNS)
        gate = {Gate.IN: self._buffers.gate_up, Gate.PARTS: parts, Gate.PART_COLUMNS: PART_COLUMNS}
        gate |= self._x.arguments(width)
        name = f"gate_{network.activation}{self._x.suffix}"
        stages.append(self._library.stage(name, gate, chunks=self._rows * parts))
        return stages + self._into_hidden(layer.down, layer.after_feed_forward_norm)

    def _into_hidden(self, linear: PackedLinear, norm: Tensor | None) -> list[Stage]:
        """Add a branch to the residual stream, in place; Gemma norms it first."""
        if norm is None or self._buffers.branch is None:
            return [self._product(linear, self.hidden, addend=self.hidden)]
        arguments = {
            Norm.COLUMNS: self._network.hidden,
            Norm.IN: self._buffers.branch,
            Norm.OUT: self.hidden,
            Norm.WEIGHT: norm,
            Norm.EPSILON: self._network.epsilon,
        }
        added = self._library.stage("normed_add", arguments, chunks=self._rows)
        return [self._product(linear, self._buffers.branch), added]

    def _norm(self, weight: Tensor) -> Stage:
        return norm_stage(self._library, self.hidden, weight, self._network.epsilon, self._x, rows=self._rows)

    def _product(self, linear: PackedLinear, out: Tensor, *, addend: Tensor | None = None, waits: bool = True) -> Stage:
        bias = as_floats(linear.bias)
        packed = linear.packed
        return self._library.product(packed, self._x, out, rows=self._rows, bias=bias, addend=addend, waits=waits)


class Output:
    """The last norm and the output layer for the rows of `hidden`; the result goes to `logits` [rows, vocabulary]."""

    def __init__(self, network: Network, library: Library, hidden: Tensor, logits: Tensor | None = None) -> None:
        self._network, self._library, self._hidden = network, library, hidden
        rows = len(hidden)
        self._logits = torch.empty(rows, network.head.out_features) if logits is None else logits
        self.stages: list[Stage] = []
        if isinstance(network.head, PackedLinear):
            x = Activations.rounded(rows, network.hidden)
            norm = norm_stage(library, hidden, network.norm, network.epsilon, x, rows=rows)
            self.stages = [norm, library.product(network.head.packed, x, self._logits, rows=rows)]

    def logits(self) -> Tensor:
        """float32 [rows, vocabulary], once the stages have run; valid until they run again."""
        if self.stages:
            return self._logits
        network = self._network
        normed = functional.rms_norm(self._hidden, (network.hidden,), network.norm, network.epsilon)
        # A table of a size that no kernel takes: each thread multiplies a part of it.
        weight: Tensor = network.head.weight  # ty: ignore[invalid-assignment]
        parts = weight.chunk(self._library.threads)
        tasks = [partial(functional.linear, normed.to(weight.dtype), part) for part in parts]
        return torch.cat(self._library.share(tasks), dim=-1).float()


def norm_stage(library: Library, hidden: Tensor, weight: Tensor, epsilon: float, x: Activations, *, rows: int) -> Stage:
    """RMS norm of `rows` rows of `hidden`, written as the products want them."""
    arguments = {Norm.IN: hidden, Norm.WEIGHT: weight, Norm.EPSILON: epsilon} | x.arguments(hidden.shape[1])
    return library.stage(f"norm{x.suffix}", arguments, chunks=rows)
