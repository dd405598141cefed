"""What a network of pixels reads of two dates, and beside the bands what they are relative to their tile."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from claire.core.errors import CheckpointError
from claire.models.encoders import Reader, standardise
from claire.models.network import NetworkConfig, build_network
from claire.models.pixels import STEP, Perceptron, PixelReader, spread_out

SIDE, BANDS = 24, 4


def draw(seed: int, *, gaps: bool = False) -> tuple[Tensor, Tensor]:
    """Pixels and what is there of them."""
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randn(2, BANDS, SIDE, SIDE, generator=generator)
    valid = (torch.rand(2, BANDS, SIDE, SIDE, generator=generator) > 0.3).float()
    return pixels, valid if gaps else torch.ones_like(pixels)


@pytest.mark.parametrize("settings", [{}, {"ratios": True, "smooth": (3, 5), "texture": True, "differences": True}])
def test_without_dates_and_tiles_it_reads_what_encoders_read(settings: dict[str, Any]) -> None:
    pixels, valid = draw(0, gaps=True)
    torch.testing.assert_close(
        PixelReader(BANDS, **settings).read(pixels, valid), Reader(BANDS, **settings).read(pixels, valid)
    )


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("changes", [False, True])
@pytest.mark.parametrize("texture", [False, True])
@pytest.mark.parametrize("smooth", [(), (3, 7)])
@pytest.mark.parametrize("coarse", [(), (12, 20)])
def test_it_reads_as_many_channels_as_it_says(
    relative: bool, changes: bool, texture: bool, smooth: tuple[int, ...], coarse: tuple[int, ...]
) -> None:
    others: dict[str, Any] = {"ratios": True, "smooth": smooth, "texture": texture, "differences": True}
    reader = PixelReader(BANDS, relative, changes, coarse, **others)
    pair = draw(1, gaps=True)
    assert reader.read(*pair).shape == (2, reader.wide, SIDE, SIDE)
    blocks = [(2, reader.channels[1], SIDE // STEP, SIDE // STEP)] if coarse else []
    assert [part.shape for part in reader.read_steps(*pair)] == [(2, reader.channels[0], SIDE, SIDE), *blocks]


@pytest.mark.parametrize("size", [(24, 24), (22, 17), (3, 40)])
def test_a_coarse_window_is_read_around_each_block(size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randn(1, BANDS, *size, generator=generator)
    valid = (torch.rand(pixels.shape, generator=generator) > 0.3).float()
    reader = PixelReader(BANDS, coarse=(12,), texture=True)
    _, found = reader.read_steps(pixels, valid)
    rows, columns = -(-size[0] // STEP), -(-size[1] // STEP)
    assert found.shape == (1, 2 * BANDS, rows, columns)
    for row, column in ((0, 0), (rows - 1, columns - 1), (rows // 2, columns // 2)):
        top, left = (max(STEP * place - 4, 0) for place in (row, column))
        window = ..., slice(top, STEP * row + 8), slice(left, STEP * column + 8)
        for band in range(BANDS):
            values = pixels[0, band][window][valid[0, band][window] > 0]
            torch.testing.assert_close(found[0, band, row, column], values.mean())
            torch.testing.assert_close(found[0, BANDS + band, row, column], values.std(correction=0))
    assert reader.read(pixels, valid).shape[2:] == size


def test_where_nothing_is_there_a_coarse_window_is_zero() -> None:
    pixels, valid = draw(4)
    found = PixelReader(BANDS, relative=True, changes=True, coarse=(12, 20), ratios=True, texture=True).read_steps(
        pixels, torch.zeros_like(valid)
    )
    assert not found[1].any()


@pytest.mark.parametrize("size", [(80, 24), (36, 20), (33, 7), (5, 6)])
def test_blocks_give_the_logits_that_they_give_spread_out(size: tuple[int, int]) -> None:
    torch.manual_seed(1)
    network = Perceptron(9, 8, 3, 0.0)
    near = [torch.randn(2, channels, *size) for channels in (2, 3)]
    far = [torch.randn(2, 2, -(-size[0] // STEP), -(-size[1] // STEP)) for _ in range(2)]
    read = near[0], far[0], near[1], far[1]
    whole = torch.cat([part if part.shape[2:] == size else spread_out(part, size) for part in read], dim=1)
    for _ in range(20):
        torch.testing.assert_close(network(*read), network(whole))
    network.eval()
    torch.testing.assert_close(network(*read), network(whole))


def test_a_change_is_the_later_date_less_the_earlier_in_every_window() -> None:
    pixels, valid = draw(2)
    reader = PixelReader(BANDS, smooth=(3,), changes=True)
    found = reader.read(pixels, valid)
    around = torch.nn.functional.unfold(pixels, 3).unflatten(1, (BANDS, 9)).mean(dim=2)
    inner = found[:, :, 1:-1, 1:-1].flatten(2)
    torch.testing.assert_close(found[:, 8:10], pixels[:, 2:] - pixels[:, :2])
    torch.testing.assert_close(inner[:, 10:14], around)
    torch.testing.assert_close(inner[:, 18:], around[:, 2:] - around[:, :2])


def test_where_a_date_is_missing_there_is_no_change_and_its_mask_says_so() -> None:
    pixels, valid = draw(3)
    valid[:, 2:] = 0
    found = PixelReader(BANDS, relative=True, smooth=(3,), changes=True).read(pixels, valid)
    other = PixelReader(BANDS, relative=True, smooth=(3,), changes=True).read(
        torch.cat([pixels[:, :2], -pixels[:, 2:]], 1), valid
    )
    torch.testing.assert_close(found, other)
    at_pixel = found[:, : 2 * BANDS + BANDS + BANDS]
    assert torch.equal(at_pixel[:, 2 * BANDS : 3 * BANDS], valid)
    assert not at_pixel[:, 3 * BANDS :].any()


@given(st.integers(0, 1000), st.floats(0.5, 2), st.floats(-1, 1))
def test_no_gain_or_offset_of_a_tile_changes_what_is_relative_to_it(seed: int, gain: float, offset: float) -> None:
    pixels, valid = draw(seed)
    reader = PixelReader(BANDS, relative=True, smooth=(3,), texture=True, changes=True)

    def see(values: Tensor) -> list[Tensor]:
        return [part[:, BANDS:] for scale in reader.look(values, valid) for part in scale]

    for before, after in zip(see(pixels), see(pixels * gain + offset), strict=True):
        torch.testing.assert_close(before, after, atol=0.02, rtol=0.02)  # a tile as flat as 0.05 counts as flat
    torch.testing.assert_close(see(pixels)[0], standardise(pixels, valid))


def test_changes_need_two_dates() -> None:
    with pytest.raises(CheckpointError, match="odd number of bands"):
        NetworkConfig.from_mapping({"optical_bands": 3, "sar_bands": 2, "classes": 2, "changes": True})


def test_a_network_reads_both_sensors_so_and_where_one_is_missing_the_other_speaks() -> None:
    config = NetworkConfig(
        BANDS,
        2,
        3,
        fusion="pixels",
        stem=8,
        relative=True,
        ratios=True,
        smooth=(3,),
        coarse=(12,),
        texture=True,
        changes=True,
    )
    network = build_network(config).eval()
    (optical, valid), sar = draw(5), torch.randn(2, 2, SIDE, SIDE)
    with torch.inference_mode():
        whole = network(optical, sar, valid, torch.ones_like(sar)).logits
        none = network(optical, sar, torch.zeros_like(valid), torch.ones_like(sar)).logits
    assert whole["fused"].shape == (2, 3, SIDE, SIDE)
    torch.testing.assert_close(none["fused"], whole["sar"])
    assert not torch.allclose(whole["fused"], whole["sar"])


def test_after_training_the_normalisation_is_part_of_the_first_layer() -> None:
    torch.manual_seed(0)
    network = Perceptron(6, 8, 3, 0.0)
    read = 3 * torch.randn(2, 6, 5, 4) + torch.arange(6.0)[:, None, None]
    for _ in range(300):
        network(read)
    network.eval()
    wanted = read
    for layer in network:
        wanted = layer(wanted)
    torch.testing.assert_close(network(read), wanted)
    assert [name for name, _ in network.named_parameters()] == [
        f"{place}.{kind}" for place in (1, 4, 7) for kind in ("weight", "bias")
    ]
