"""The work between the attentions of one step, as lists of stages for the kernels' threads.

Owns the buffers of a step and the order of its stages. Built once for a number of rows and used for every step of that
size: nothing here is done for each token. Knows nothing of sequences and caches.
"""

from __future__ import annotations

import torch
from torch import Tensor

from playground.engine.llama_family import Layer, Network, as_floats, embedding_of
from playground.kernels.embedding import Embed
from playground.kernels.formats import GROUP
from playground.kernels.library import Activations, Library, weights
from playground.kernels.rows import Gate, Norm, Rotation, Rounding
from playground.kernels.team import Program, Stage

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


class StepPrograms:
    """Buffers and programs for steps of exactly `rows` rows.

    `matrix`: multiply in bf16 on the matrix unit, else as 8-bit integers. `attended` is where the attention's result is
    wanted: float32 [rows, heads, size] for integers, bf16 for the matrix unit.
    """

    def __init__(
        self, network: Network, library: Library, angles: Angles, *, rows: int, matrix: bool, attended: Tensor | None = None
    ) -> None:
        self._network, self._library, self._angles = network, library, angles
        self._rows = rows
        room = -(-rows // 32) * 32
        columns = (network.heads + 2 * network.key_heads) * network.size
        widest = max(network.hidden, network.feed_forward, network.heads * network.size)
        self.hidden = torch.empty(room, network.hidden)
        self.ids, self.positions = (torch.empty(room, dtype=torch.int64) for _ in range(2))
        self._qkv = torch.empty(room, columns)
        self._rotated = torch.empty(room, network.heads + 2 * network.key_heads, network.size, dtype=torch.bfloat16)
        self._gate_up = torch.empty(room, 2 * network.feed_forward)
        self._branch = torch.empty(room, network.hidden) if network.layers[0].after_attention_norm is not None else None
        self._x = Activations(torch.empty(room * widest, dtype=torch.bfloat16)) if matrix else Activations.rounded(room, widest)
        self.attended = self._attended(room, matrix) if attended is None else attended
        parts = self._rotated[:rows].transpose(0, 1).split([network.heads, network.key_heads, network.key_heads])
        self.query, self.key, self.value = parts
        layers = network.layers
        self.first = Program([*self._embed(), *self._before_attention(layers[0])])
        self.rest = tuple(
            Program([*self._after_attention(layer), *(self._before_attention(following) if following else ())])
            for layer, following in zip(layers, (*layers[1:], None), strict=True)
        )

    def load(self, token_ids: list[int], positions: list[int]) -> None:
        """What the step shall read."""
        self.ids[: self._rows] = torch.tensor(token_ids)
        self.positions[: self._rows] = torch.tensor(positions)
        if embedding_of(self._network) is None:
            self.hidden[: self._rows] = self._network.embedding(self.ids[: self._rows])

    def take_attention(self, attended: Tensor) -> None:
        """Bring [heads, rows, size] to where the next program reads it, unless it is there."""
        if attended.data_ptr() != self.attended.data_ptr():
            self.attended[: self._rows] = attended.transpose(0, 1)

    def _attended(self, room: int, matrix: bool) -> Tensor:
        network = self._network
        if matrix:
            count = room * network.heads * network.size
            return self._x.numbers[:count].view(room, network.heads, network.size)
        return torch.empty(room, network.heads, network.size)

    def _embed(self) -> list[Stage]:
        table = embedding_of(self._network)
        if table is None:
            return []
        arguments = {
            Embed.GROUPS: self._network.hidden // GROUP,
            Embed.IDS: self.ids,
            Embed.OUT: self.hidden,
            Embed.MULTIPLIER: float(table.multiplier),
        }
        name = f"embed_{table.kind.name}"
        return [self._library.stage(name, arguments | weights(table.packed), chunks=self._rows)]

    def _before_attention(self, layer: Layer) -> list[Stage]:
        network, start = self._network, 0
        stages = [self._norm(layer.attention_norm)]
        for linear in (layer.query, layer.key, layer.value):
            out = self._qkv[:, start : start + linear.out_features]
            stages.append(self._product(linear, out, waits=linear is layer.value))
            start += linear.out_features
        cosines, sines = self._angles.tables[layer.kind]
        rotation = {
            Rotation.HEADS: network.heads,
            Rotation.KEY_HEADS: network.key_heads,
            Rotation.SIZE: network.size,
            Rotation.IN: self._qkv,
            Rotation.OUT: self._rotated,
            Rotation.POSITIONS: self.positions,
            Rotation.COSINES: cosines,
            Rotation.SINES: sines,
            Rotation.QUERY_NORM: layer.query_norm,
            Rotation.KEY_NORM: layer.key_norm,
            Rotation.EPSILON: network.epsilon,
        }
        return [*stages, self._library.stage("rotate", rotation, chunks=self._rows)]

    def _after_attention(self, layer: Layer) -> list[Stage]:
        network, half = self._network, self._network.feed_forward
        stages = []
        if self._x.scales is not None:
            columns = network.heads * network.size
            arguments = {Rounding.IN: self.attended} | self._x.arguments(columns)
            stages.append(self._library.stage("round", arguments, chunks=self._rows))
        stages += self._into_hidden(layer.output, layer.after_attention_norm)
        stages.append(self._norm(layer.feed_forward_norm))
        stages.append(self._product(layer.gate, self._gate_up[:, :half], waits=False))
        stages.append(self._product(layer.up, self._gate_up[:, half:]))
        parts = -(-half // PART_COLUMNS)
        gate = {Gate.IN: self._gate_up, Gate.PARTS: parts, Gate.PART_COLUMNS: PART_COLUMNS} | self._x.arguments(half)
        name = f"gate_{network.activation}{self._x.suffix}"
        stages.append(self._library.stage(name, gate, chunks=self._rows * parts))
        return stages + self._into_hidden(layer.down, layer.after_feed_forward_norm)

    def _into_hidden(self, linear: torch.nn.Module, norm: Tensor | None) -> list[Stage]:
        """Add a branch to the residual stream, in place; Gemma norms it first."""
        if norm is None or self._branch is None:
            return [self._product(linear, self.hidden, addend=self.hidden)]
        arguments = {
            Norm.COLUMNS: self._network.hidden,
            Norm.IN: self._branch,
            Norm.OUT: self.hidden,
            Norm.WEIGHT: norm,
            Norm.EPSILON: self._network.epsilon,
        }
        added = self._library.stage("normed_add", arguments, chunks=self._rows)
        return [self._product(linear, self._branch), added]

    def _norm(self, weight: Tensor) -> Stage:
        return norm_stage(self._library, self.hidden, weight, self._network.epsilon, self._x, rows=self._rows)

    def _product(self, linear: torch.nn.Module, out: Tensor, *, addend: Tensor | None = None, waits: bool = True) -> Stage:
        bias = as_floats(linear.bias)
        packed = linear.packed
        return self._library.product(packed, self._x, out, rows=self._rows, bias=bias, addend=addend, waits=waits)


def norm_stage(
    library: Library, hidden: Tensor, weight: Tensor, epsilon: float, x: Activations, *, rows: int
) -> Stage:
    """RMS norm of `rows` rows of `hidden`, written as the products want them."""
    arguments = {Norm.IN: hidden, Norm.WEIGHT: weight, Norm.EPSILON: epsilon} | x.arguments(hidden.shape[1])
    return library.stage(f"norm{x.suffix}", arguments, chunks=rows)
