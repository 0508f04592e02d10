"""The numbers of one weight agree with each other, with the rows that are drawn, and with attention by the book."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.attention.steps import head_outputs, projected, steps
from playground.engine.recording import LayerRecord
from tests.attention.random_records import dense, layers, random_layer, sees


@settings(max_examples=100, deadline=None)
@given(layer=layers(), temperature=st.sampled_from([1.0, 0.5]), data=st.data())
def test_each_step_follows_from_the_one_before(layer: LayerRecord, temperature: float, data: st.DataObject) -> None:
    heads, queries, size = layer.query.shape
    head, query = data.draw(st.integers(0, heads - 1)), data.draw(st.integers(0, queries - 1))
    key = data.draw(st.integers(0, layer.key.shape[1] - 1))
    found = steps(layer, head, query, key, temperature=temperature)
    assert found.query_vector == tuple(layer.query[head, query].float().tolist()) and len(found.products) == size
    assert found.score == pytest.approx(sum(found.products), abs=1e-4)
    assert found.scaled == pytest.approx(found.score * found.scaling)
    score = found.scaled if found.squeezed is None else found.squeezed
    score += found.bias or 0.0
    assert (found.row[key] is not None) == found.is_visible == sees(layer, query, key)
    if found.is_visible:
        assert found.row[key] == pytest.approx(score, abs=1e-4)
        exponentials = [math.exp((one - max_of(found.row)) / temperature) for one in found.row if one is not None]
        share = math.exp((found.row[key] - max_of(found.row)) / temperature) / sum(exponentials)
        assert found.weight == pytest.approx(share, abs=1e-5)
    else:
        assert found.weight == 0.0
    expected = dense(layer, head, temperature=temperature)[query] @ layer.value[found.key_head].double()
    torch.testing.assert_close(torch.tensor(found.output), expected.float(), atol=1e-4, rtol=1e-4)


def max_of(row: tuple[float | None, ...]) -> float:
    return max(one for one in row if one is not None)


def test_contributions_are_the_longest_parts_of_the_output() -> None:
    layer = random_layer(30)
    found = steps(layer, 2, 29, 5)
    lengths = [one.length for one in found.contributions]
    assert lengths == sorted(lengths, reverse=True) and len(lengths) == 12
    for one in found.contributions:
        assert one.length == pytest.approx(one.weight * float(layer.value[1, one.key].norm()), rel=1e-5)


def test_heads_side_by_side_times_the_output_matrix_are_the_sum_of_their_parts() -> None:
    layer = random_layer(11, heads=4, key_heads=2)
    matrix = torch.randn(4 * 5, 6, generator=torch.Generator().manual_seed(2))
    outputs = head_outputs(layer, 7)
    for head in range(4):
        torch.testing.assert_close(outputs[head], torch.tensor(steps(layer, head, 7, 0).output))
    parts = projected(outputs, lambda head: matrix[head * 5 : head * 5 + 5])
    torch.testing.assert_close(parts.sum(0), outputs.flatten() @ matrix)
    same = projected(outputs, lambda head: lambda output: output @ matrix[head * 5 : head * 5 + 5])
    torch.testing.assert_close(same, parts)


@pytest.mark.parametrize(("head", "query", "key"), [(4, 0, 0), (-1, 0, 0), (0, 9, 0), (0, 0, 9), (0, 0, -1)])
def test_what_does_not_exist_is_refused(head: int, query: int, key: int) -> None:
    with pytest.raises(IndexError):
        steps(random_layer(9), head, query, key)
