"""Encoders: what they read of a pixel besides its value."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from claire.models.encoders import (
    Encoder,
    Reader,
    compute_block_means,
    compute_differences,
    compute_means,
    compute_ratios,
    compute_spreads,
)


def test_ratios_are_normalised_differences_of_every_two_bands_whatever_the_light() -> None:
    rng = torch.Generator().manual_seed(0)
    bands = torch.rand(2, 3, 4, 4, generator=rng) + 0.1
    ratios = compute_ratios(bands)
    assert ratios.shape == (2, 3, 4, 4)
    torch.testing.assert_close(ratios[:, 1], (bands[:, 0] - bands[:, 2]) / (bands[:, 0] + bands[:, 2]))
    torch.testing.assert_close(compute_ratios(7 * bands), ratios)
    assert torch.equal(compute_ratios(torch.zeros(1, 2, 1, 1)), torch.zeros(1, 1, 1, 1))


def test_differences_of_bands_say_nothing_where_one_is_missing_and_are_read_at_every_scale() -> None:
    rng = torch.Generator().manual_seed(0)
    bands, valid = torch.randn(1, 3, 6, 6, generator=rng), torch.ones(1, 3, 6, 6)
    valid[:, 1, 2, 3] = 0
    differences = compute_differences(bands, valid)
    torch.testing.assert_close(differences[:, 1], bands[:, 0] - bands[:, 2])
    assert differences[0, :, 2, 3].tolist() == [0, differences[0, 1, 2, 3], 0]
    plain, reader = (Reader(3, smooth=(3,), differences=each) for each in (False, True))
    assert reader.wide == plain.wide + 6
    read = reader.read(bands, valid)
    assert read.shape[1] == reader.wide
    torch.testing.assert_close(read[:, 6:9], compute_differences(bands * valid, valid))
    torch.testing.assert_close(read[:, 12:], compute_differences(*compute_means(bands, valid, 3)))


def test_an_encoder_with_ratios_reads_pixels_by_their_levels_and_keeps_them_with_its_weights() -> None:
    torch.manual_seed(0)
    encoder = Encoder(3, "resnet", (8, 8, 8, 8), (1, 1, 1, 1), 4, ratios=True).eval()
    pixels, valid = torch.randn(1, 3, 32, 32), torch.ones(1, 3, 32, 32)
    before = encoder(pixels, valid)[0]
    encoder.set_levels((1000.0, 900.0, 800.0), (300.0, 200.0, 100.0))
    assert not torch.equal(encoder(pixels, valid)[0], before)
    other = Encoder(3, "resnet", (8, 8, 8, 8), (1, 1, 1, 1), 4, ratios=True).eval()
    other.load_state_dict(encoder.state_dict())
    assert torch.equal(other(pixels, valid)[0], encoder(pixels, valid)[0])


@pytest.mark.parametrize("window", [3, 7])
def test_means_are_of_the_valid_pixels_of_the_window_alone(window: int) -> None:
    rng = torch.Generator().manual_seed(window)
    pixels = torch.randn(1, 2, 9, 8, generator=rng)
    valid = (torch.rand(1, 2, 9, 8, generator=rng) > 0.6).float()
    means, seen = compute_means(pixels, valid, window)
    half = window // 2
    for band, row, column in product(range(2), range(9), range(8)):
        rows, columns = (slice(max(0, at - half), at + half + 1) for at in (row, column))
        inside = valid[0, band, rows, columns] == 1
        assert seen[0, band, row, column] == inside.any()
        mean = pixels[0, band, rows, columns][inside].mean() if inside.any() else torch.tensor(0.0)
        torch.testing.assert_close(means[0, band, row, column], mean)


def test_several_values_of_a_band_share_what_is_valid() -> None:
    rng = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 2, 3, 9, 8, generator=rng)
    valid = (torch.rand(2, 3, 9, 8, generator=rng) > 0.6).float()
    both, seen = compute_means(torch.cat([first, second], dim=1), valid, 3)
    means, each = compute_means(first, valid, 3)
    assert torch.equal(both, torch.cat([means, compute_means(second, valid, 3)[0]], dim=1))
    assert torch.equal(seen, torch.cat([each, each], dim=1))


@pytest.mark.parametrize("size", [(8, 12), (9, 6), (3, 2)])
def test_means_of_blocks_weighed_by_what_is_there_are_means_over_all_their_pixels(size: tuple[int, int]) -> None:
    rng = torch.Generator().manual_seed(0)
    pixels = torch.randn(1, 2, *size, generator=rng)
    valid = (torch.rand(1, 1, *size, generator=rng) > 0.6).float()
    means, share = compute_block_means(pixels, valid, 4)
    blocks = [range(-(-side // 4)) for side in size]
    assert means.shape == (1, 2, *(len(places) for places in blocks))
    assert share.shape == (1, 1, *means.shape[2:])
    around, known = compute_means(means, share, 3)
    for row, column in product(*blocks):
        for found, reach in ((means, 0), (around, 1)):
            rows, columns = (slice(max(0, 4 * (at - reach)), 4 * (at + 1 + reach)) for at in (row, column))
            inside = valid[0, 0, rows, columns] == 1
            values = pixels[0, :, rows, columns]
            wanted = values[:, inside].mean(dim=1) if inside.any() else torch.zeros(2)
            torch.testing.assert_close(found[0, :, row, column], wanted)
            if not reach:
                torch.testing.assert_close(share[0, 0, row, column], inside.sum() / 16)
            else:
                assert known[0, 0, row, column] == inside.any()


@pytest.mark.parametrize("window", [3, 7])
def test_spreads_are_of_the_valid_pixels_of_the_window_alone(window: int) -> None:
    rng = torch.Generator().manual_seed(window)
    pixels = torch.randn(1, 2, 9, 8, generator=rng)
    valid = (torch.rand(1, 2, 9, 8, generator=rng) > 0.6).float()
    [(means, seen, spreads)] = compute_spreads(pixels, valid, [window])
    for found, wanted in zip((means, seen), compute_means(pixels, valid, window), strict=True):
        torch.testing.assert_close(found, wanted)
    half = window // 2
    for band, row, column in product(range(2), range(9), range(8)):
        rows, columns = (slice(max(0, at - half), at + half + 1) for at in (row, column))
        inside = pixels[0, band, rows, columns][valid[0, band, rows, columns] == 1]
        wanted = inside.std(correction=0) if len(inside) else torch.tensor(0.0)
        torch.testing.assert_close(spreads[0, band, row, column], wanted, rtol=1e-3, atol=2e-3)


def test_spreads_of_little_contrast_on_a_high_level_are_not_lost_in_rounding() -> None:
    generator = torch.Generator().manual_seed(3)
    exact = 3 + 0.003 * torch.randn(1, 2, 40, 40, generator=generator, dtype=torch.float64)
    valid = torch.ones_like(exact)
    [(_, _, wanted)] = compute_spreads(exact, valid, [9])
    [(_, _, found)] = compute_spreads(exact.float(), valid.float(), [9])
    torch.testing.assert_close(found.double(), wanted, rtol=1e-3, atol=0)


@pytest.mark.parametrize("ratios", [True, False])
def test_texture_of_reflectance_is_the_same_in_any_light_and_says_nothing_of_gaps(ratios: bool) -> None:
    reader, plain = (Reader(2, ratios=ratios, smooth=(3, 5), texture=texture) for texture in (True, False))
    reader.set_levels((1000.0, 2000.0), (500.0, 800.0))
    level, spread = (torch.tensor(numbers)[None, :, None, None] for numbers in ((1000.0, 2000.0), (500.0, 800.0)))
    reflectance = torch.rand(1, 2, 16, 16, generator=torch.Generator().manual_seed(1)) * 3000 + 200
    valid = torch.ones_like(reflectance)
    valid[..., :8, :8] = 0
    looks = [reader.look((light * reflectance - level) / spread, valid) for light in (1.0, 1.5)]
    assert reader.read(reflectance, valid).shape[1] == reader.wide == plain.wide + 2 * 2
    for one, two in zip(*(look[1:] for look in looks), strict=True):
        textures = [reader._relate(values, spreads) for values, _, spreads in (one, two)]
        assert (textures[0][one[1] == 0] == 0).all()
        if ratios:
            torch.testing.assert_close(*textures, rtol=0.05, atol=0.01)
        else:
            torch.testing.assert_close(1.5 * textures[0], textures[1], rtol=1e-2, atol=1e-2)


def test_an_encoder_with_windows_never_sees_what_lies_in_a_gap() -> None:
    torch.manual_seed(0)
    encoder = Encoder(2, "resnet", (8, 8, 8, 8), (1, 1, 1, 1), 4, ratios=True, smooth=(3, 5)).eval()
    pixels, valid = torch.randn(1, 2, 32, 32), torch.ones(1, 2, 32, 32)
    valid[..., 10:20, 10:20] = 0
    other = torch.where(valid == 1, pixels, torch.tensor(1e4))
    for one, two in zip(encoder(pixels, valid), encoder(other, valid), strict=True):
        assert torch.equal(one, two)
