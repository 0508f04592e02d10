"""Attention of single rows over blocks of keys and values, against PyTorch's own."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from playground.kernels.attention import BLOCK_TOKENS, SIZES, Attention, Store
from playground.kernels.library import Library
from playground.kernels.program import Program
from playground.kernels.segments import Merge

SIZE, HEADS, KEY_HEADS = 32, 6, 2
TOLERANCE = 3e-6


@dataclass(frozen=True, eq=False)
class Sequence:
    """Keys and values of one sequence in blocks; whatever was not stored is no number."""

    keys: list[Tensor]
    values: list[Tensor]

    @classmethod
    def empty(cls, tokens: int, *, size: int = SIZE, key_heads: int = KEY_HEADS) -> Sequence:
        shape = (key_heads, BLOCK_TOKENS, size)
        count = -(-tokens // BLOCK_TOKENS)
        both = [[torch.full(shape, torch.nan, dtype=torch.bfloat16) for _ in range(count)] for _ in range(2)]
        return cls(*both)

    @classmethod
    def random(cls, tokens: int, *, size: int = SIZE, key_heads: int = KEY_HEADS, seed: int = 0) -> Sequence:
        sequence = cls.empty(tokens, size=size, key_heads=key_heads)
        random = torch.Generator().manual_seed(seed)
        for blocks in (sequence.keys, sequence.values):
            for start, block in zip(range(0, tokens, BLOCK_TOKENS), blocks, strict=True):
                count = min(tokens - start, BLOCK_TOKENS)
                block[:, :count] = torch.randn(key_heads, count, size, generator=random)
        return sequence

    def addresses(self) -> tuple[Tensor, Tensor]:
        keys, values = (torch.tensor([b.data_ptr() for b in blocks]) for blocks in (self.keys, self.values))
        return keys, values


def attend(
    library: Library,
    queries: Tensor,
    rows: list[tuple[Sequence, int]],
    *,
    window: int | None = None,
    segments: int = 1,
) -> Tensor:
    """`queries` bf16 [rows, heads, size], each with its sequence and how many tokens of it there are."""
    count, heads, size = queries.shape
    key_heads = rows[0][0].keys[0].shape[0]
    tables = [sequence.addresses() for sequence, _ in rows]
    keys, values = (torch.tensor([table[side].data_ptr() for table in tables]) for side in (0, 1))
    lengths = torch.tensor([length for _, length in rows])
    firsts = torch.zeros_like(lengths) if window is None else (lengths - window).clamp_min(0)
    room = -(-int(lengths.max()) // 16) * 16
    parts = torch.full((count, key_heads, segments, heads // key_heads, size), torch.nan)
    totals = torch.empty(count, heads, segments, 2)
    arguments = {
        Attention.HEADS: heads,
        Attention.KEY_HEADS: key_heads,
        Attention.QUERIES: queries,
        Attention.QUERY_STRIDE: queries.stride(0),
        Attention.KEY_BLOCKS: keys,
        Attention.VALUE_BLOCKS: values,
        Attention.FIRSTS: firsts,
        Attention.LENGTHS: lengths,
        Attention.OUT: parts,
        Attention.SCALE: size**-0.5,
        Attention.SCRATCH: torch.empty(count * heads * segments * room),
        Attention.SCRATCH_STRIDE: room,
        Attention.SEGMENTS: segments,
        Attention.TOTALS: totals,
    }
    stages = [library.stage(f"attention_{size}", arguments, chunks=count * key_heads * segments)]
    if segments == 1:
        library.run(Program(stages))
        return parts.view(count, heads, size)
    out = torch.full((count, heads, size), torch.nan)
    merge = {Merge.HEADS: heads, Merge.KEY_HEADS: key_heads, Merge.SIZE: size, Merge.SEGMENTS: segments}
    merge |= {Merge.PARTS: parts, Merge.TOTALS: totals, Merge.SCALE: size**-0.5, Merge.OUT: out}
    library.run(Program([*stages, library.stage("merge", merge, chunks=count)]))
    return out


def expected_of(query: Tensor, sequence: Sequence, length: int, window: int | None = None) -> Tensor:
    first = 0 if window is None else max(0, length - window)
    keys, values = (torch.cat(b, 1)[:, first:length].float() for b in (sequence.keys, sequence.values))
    attended = functional.scaled_dot_product_attention(
        query.float()[None, :, None], keys[None], values[None], enable_gqa=True
    )
    return attended[0, :, 0]


def random_queries(rows: int, heads: int = HEADS, size: int = SIZE) -> Tensor:
    return torch.randn(rows, heads, size, generator=torch.Generator().manual_seed(rows)).to(torch.bfloat16)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("heads", "key_heads"), [(4, 4), (9, 3), (7, 1)])
def test_every_head_size_and_group_gives_what_torch_gives(
    library: Library, size: int, heads: int, key_heads: int
) -> None:
    queries = random_queries(2, heads, size)
    sequences = [Sequence.random(300, size=size, key_heads=key_heads, seed=seed) for seed in (1, 2)]
    found = attend(library, queries, [(sequences[0], 5), (sequences[1], 300)])
    torch.testing.assert_close(found[0], expected_of(queries[0], sequences[0], 5), rtol=1e-4, atol=TOLERANCE)
    torch.testing.assert_close(found[1], expected_of(queries[1], sequences[1], 300), rtol=1e-4, atol=TOLERANCE)


@pytest.mark.parametrize("window", [None, 1, 8, 255, 256, 400, 1000])
@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 255, 256, 257, 512, 700])
def test_windows_and_lengths_around_the_borders_of_blocks(library: Library, length: int, window: int | None) -> None:
    queries, sequence = random_queries(1), Sequence.random(length)
    found = attend(library, queries, [(sequence, length)], window=window)[0]
    expected = expected_of(queries[0], sequence, length, window)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=TOLERANCE)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("segments", [2, 3, 7])
def test_segments_of_the_keys_give_together_what_they_give_in_one(library: Library, size: int, segments: int) -> None:
    queries = random_queries(5, 6, size)
    rows = [(Sequence.random(length, size=size, seed=length), length) for length in (1, 15, 40, 257, 600)]
    for window in (None, 5, 100):
        found = attend(library, queries, rows, window=window, segments=segments)
        for index, (sequence, length) in enumerate(rows):
            expected = expected_of(queries[index], sequence, length, window)
            torch.testing.assert_close(found[index], expected, rtol=1e-4, atol=TOLERANCE)


@pytest.mark.parametrize("segments", [1, 2])
def test_scores_of_any_size_give_weights_that_add_up_to_one(library: Library, segments: int) -> None:
    queries, sequence = random_queries(1) * 1000, Sequence.random(40)
    for block in sequence.values:
        block[:, :40] = 1
    found = attend(library, queries, [(sequence, 40)], segments=segments)
    torch.testing.assert_close(found, torch.ones_like(found), rtol=1e-5, atol=0)


@given(
    lengths=st.lists(st.integers(1, 300), min_size=1, max_size=6),
    window=st.none() | st.integers(1, 300),
    segments=st.integers(1, 3),
)
@settings(max_examples=25, deadline=None)
def test_a_row_gives_the_same_bits_alone_and_in_company(
    library: Library, lengths: list[int], window: int | None, segments: int
) -> None:
    queries = random_queries(len(lengths))
    rows = [(Sequence.random(length, seed=length), length) for length in lengths]
    together = attend(library, queries, rows, window=window, segments=segments)
    for index, row in enumerate(rows):
        alone = attend(library, queries[index : index + 1], [row], window=window, segments=segments)
        assert torch.equal(alone[0], together[index])


@pytest.mark.parametrize("size", SIZES)
def test_keys_and_values_are_stored_where_their_position_says_and_nowhere_else(library: Library, size: int) -> None:
    positions = torch.tensor([0, 255, 256, 599, 3])
    sequences = [Sequence.empty(600, size=size) for _ in positions]
    tables = [sequence.addresses() for sequence in sequences]
    new = torch.randn(len(positions), 2 * KEY_HEADS, size).to(torch.bfloat16)
    arguments = {
        Store.KEY_HEADS: KEY_HEADS,
        Store.SIZE: size,
        Store.KEYS: new,
        Store.VALUE_OFFSET: 2 * KEY_HEADS * size,
        Store.STRIDE: new.stride(0),
        Store.KEY_BLOCKS: torch.tensor([keys.data_ptr() for keys, _ in tables]),
        Store.VALUE_BLOCKS: torch.tensor([values.data_ptr() for _, values in tables]),
        Store.POSITIONS: positions,
    }
    library.run(Program([library.stage("store", arguments, chunks=len(positions))]))
    for row, (sequence, position) in enumerate(zip(sequences, positions.tolist(), strict=True)):
        for blocks, stored in ((sequence.keys, new[row, :KEY_HEADS]), (sequence.values, new[row, KEY_HEADS:])):
            whole = torch.cat(blocks, 1)
            assert torch.equal(whole[:, position], stored)
            assert whole.isnan().all(-1).sum() == KEY_HEADS * (whole.shape[1] - 1)
