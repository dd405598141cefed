"""Bilateral averaging: neighbours count as far as they look alike."""

from __future__ import annotations

import math

import pytest
import torch

from claire.models.bilateral import bilateral_filter


def draw(classes: int = 2, bands: int = 3, side: int = 9, missing: float = 0.3) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(3)
    values = torch.rand(1, classes, side, side, generator=generator)
    guide = torch.randn(1, bands, side, side, generator=generator)
    valid = (torch.rand(1, bands, side, side, generator=generator) >= missing).float()
    return values, guide * valid, valid


@pytest.mark.parametrize(("reach", "step"), [(2, 1), (2, 2), (4, 2)])
def test_every_pixel_is_the_weighed_mean_that_the_formula_says(reach: int, step: int) -> None:
    values, guide, valid = draw()
    found = bilateral_filter(values, guide, valid, reach=reach, step=step, spread=0.7)[0]
    side = values.shape[-1]
    for row in range(side):
        for col in range(side):
            total, weights = torch.zeros(2), 0.0
            for y in range(row - reach, row + reach + 1, step):
                for x in range(col - reach, col + reach + 1, step):
                    if not (0 <= y < side and 0 <= x < side):
                        continue
                    common = [b for b in range(3) if valid[0, b, row, col] and valid[0, b, y, x]]
                    if not common:
                        continue
                    squares = [float(guide[0, b, row, col] - guide[0, b, y, x]) ** 2 for b in common]
                    weight = math.exp(-sum(squares) / len(squares) / (2 * 0.7**2))
                    total, weights = total + weight * values[0, :, y, x], weights + weight
            wanted = total / weights if weights else values[0, :, row, col]
            torch.testing.assert_close(found[:, row, col], wanted, rtol=1e-4, atol=1e-5)


def test_on_flat_ground_it_is_a_mean_and_across_a_sharp_border_nothing_passes() -> None:
    values, guide, valid = draw(missing=0)
    flat = bilateral_filter(values, torch.zeros_like(guide), valid, reach=1, step=1)
    torch.testing.assert_close(flat[0, :, 4, 4], values[0, :, 3:6, 3:6].mean(dim=(1, 2)))
    border = torch.zeros_like(guide)
    border[..., 4:] = 50
    left = values.clone()
    left[..., 4:] = 9
    averaged = bilateral_filter(left, border, valid, reach=2, step=1)
    assert averaged[..., :4].max() <= 1
    torch.testing.assert_close(averaged[..., 4:], torch.full_like(averaged[..., 4:], 9.0))


def test_probabilities_stay_probabilities_and_what_nothing_guides_stays_as_it_is() -> None:
    values, guide, valid = draw(classes=4)
    probabilities = values.softmax(dim=1)
    averaged = bilateral_filter(probabilities, guide, valid)
    torch.testing.assert_close(averaged.sum(dim=1), torch.ones_like(averaged[:, 0]))
    assert torch.equal(bilateral_filter(values, torch.zeros_like(guide), torch.zeros_like(valid)), values)


def test_a_slope_leads_through_values_and_guide() -> None:
    values, guide, valid = (part.double() for part in draw(side=5))
    inputs = values.requires_grad_(), guide.requires_grad_()
    assert torch.autograd.gradcheck(lambda v, g: bilateral_filter(v, g, valid, reach=2, step=2), inputs)
