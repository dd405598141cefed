"""The only module that imports captum, and only when a method runs. Each function takes a probe and gives raw maps.

Gradient methods differentiate with respect to the inputs alone (`torch.autograd.grad`), so parameters gather no
gradient. What puts hooks on activations works on a copy of the network. Legend: C bands, H height, W width.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from claire.core.errors import InputError
from claire.explain.probe import Pair, Probe
from claire.explain.watch import Watch

LINEAR_NODES = frozenset(
    {
        "AccumulateGrad",
        "AdaptiveAvgPool2DBackward0",
        "AddBackward0",
        "AliasBackward0",
        "AvgPool2DBackward0",
        "CatBackward0",
        "CloneBackward0",
        "ConstantPadNdBackward0",
        "ConvolutionBackward0",
        "CudnnBatchNormBackward0",
        "CudnnConvolutionBackward0",
        "DivBackward0",
        "ExpandBackward0",
        "MeanBackward1",
        "MkldnnConvolutionBackward0",
        "MulBackward0",
        "NativeBatchNormBackward0",
        "NegBackward0",
        "PermuteBackward0",
        "ReplicationPad2DBackward0",
        "SelectBackward0",
        "SliceBackward0",
        "SubBackward0",
        "SumBackward1",
        "UnsqueezeBackward0",
        "UpsampleBilinear2DBackward0",
        "UpsampleNearest2DBackward0",
        "ViewBackward0",
    }
)
"""Steps of a forward for which DeepLift needs no rule, because they are linear in what depends on the input."""


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside the block torch and numpy draw from a seed; afterwards both go on as if nothing had been drawn.

    captum draws from the global generators, so there is no other way to repeat what it did.
    """
    before = np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(before)  # noqa: NPY002


def run_saliency(probe: Probe) -> Pair:
    """Gradient of the target with respect to the values, signed."""
    from captum.attr import Saliency

    return _as_pair(Saliency(probe).attribute(_fresh(probe.inputs), abs=False))


def run_input_x_gradient(probe: Probe) -> Pair:
    """Gradient times normalised value: how far from the mean of the training split, times how much it matters."""
    from captum.attr import InputXGradient

    return _as_pair(InputXGradient(probe).attribute(_fresh(probe.inputs)))


def run_integrated_gradients(probe: Probe, baseline: Pair, steps: int, batch: int) -> Pair:
    """Gradient along the straight way from the baseline, by Gauss-Legendre quadrature."""
    from captum.attr import IntegratedGradients

    found = IntegratedGradients(probe).attribute(
        _fresh(probe.inputs), baselines=baseline, n_steps=steps, internal_batch_size=min(batch, steps)
    )
    return _as_pair(found)


def run_smoothgrad(probe: Probe, samples: int, noise: float, batch: int) -> Pair:
    """Mean gradient under noise of a number of spreads."""
    from captum.attr import NoiseTunnel, Saliency

    found = NoiseTunnel(Saliency(probe)).attribute(
        _fresh(probe.inputs),
        nt_type="smoothgrad",
        nt_samples=samples,
        nt_samples_batch_size=min(batch, samples),
        stdevs=(noise, noise),
        abs=False,
    )
    return _as_pair(found)


def run_gradient_shap(probe: Probe, baselines: Pair) -> Pair:
    """Expected gradients over a set of baselines (n, C, H, W), one random point of the way for each.

    One baseline at a time, so that both sensors come from the same one and the memory stays that of one pair.
    """
    from captum.attr import GradientShap

    method, count = GradientShap(probe), len(baselines[0])
    total = [torch.zeros_like(values) for values in probe.inputs]
    for index in range(count):
        one = (baselines[0][index : index + 1], baselines[1][index : index + 1])
        for held, found in zip(total, method.attribute(_fresh(probe.inputs), baselines=one, n_samples=1), strict=True):
            held += found / count
    return total[0], total[1]


def run_occlusion(probe: Probe, baseline: Pair, window: int, step: int, batch: int, per_band: bool) -> Pair:
    """Fall of the target when a square of one sensor, or of one band, takes its baseline; mean over the squares."""
    from captum.attr import Occlusion

    shapes = tuple((1 if per_band else values.shape[1], window, window) for values in probe.inputs)
    strides = tuple((1, step, step) for _ in probe.inputs)
    found = Occlusion(probe).attribute(
        probe.inputs,
        sliding_window_shapes=shapes,
        strides=strides,
        baselines=baseline,
        perturbations_per_eval=batch,
    )
    return _as_pair(found)


def run_joint_occlusion(probe: Probe, baseline: Pair, window: int, step: int, batch: int) -> Tensor:
    """Likewise with the same square of both sensors at once: (1, C_opt + C_sar, H, W), equal along C."""
    from captum.attr import Occlusion

    split = probe.inputs[0].shape[1]

    def forward(both: Tensor) -> Tensor:
        return probe(both[:, :split], both[:, split:])

    both = torch.cat(probe.inputs, dim=1)
    found: Tensor = Occlusion(forward).attribute(
        both,
        sliding_window_shapes=(both.shape[1], window, window),
        strides=(1, step, step),
        baselines=torch.cat(baseline, dim=1),
        perturbations_per_eval=batch,
    )
    return found.detach()


def run_feature_ablation(probe: Probe, baseline: Pair, features: Pair, batch: int) -> Pair:
    """Fall of the target when one feature takes its baseline; every element of a feature holds the whole fall.

    Args:
        probe: The target.
        baseline: Values of what is removed.
        features: Ids of features, shaped like the inputs; an id belongs to one sensor.
        batch: Pairs at once.
    """
    from captum.attr import FeatureAblation

    found = FeatureAblation(probe).attribute(
        probe.inputs, baselines=baseline, feature_mask=features, perturbations_per_eval=batch
    )
    return _as_pair(found)


def run_kernel_shap(probe: Probe, baseline: Pair, features: Pair, evaluations: int, batch: int) -> Pair:
    """Shapley values of features by weighted regression on random coalitions; arguments as above."""
    from captum.attr import KernelShap

    method = KernelShap(probe)
    method.interpretable_model = _LeastSquares()
    found = method.attribute(
        probe.inputs,
        baselines=baseline,
        feature_mask=features,
        n_samples=evaluations,
        perturbations_per_eval=batch,
    )
    return _as_pair(found)


def run_gradcam(probe: Probe, layer: nn.Module) -> Tensor:
    """(1, 1, H, W) Grad-CAM on what a layer reads, signed, enlarged to the piece."""
    from captum.attr import LayerGradCam

    found = LayerGradCam(probe, layer).attribute(_fresh(probe.inputs), attribute_to_layer_input=True)
    map_B1hw = found[0] if isinstance(found, tuple) else found
    height, width = probe.shape
    stride = probe.model.stride
    padded = (-(-height // stride) * stride, -(-width // stride) * stride)
    enlarged = F.interpolate(map_B1hw.detach(), size=padded, mode="bilinear", align_corners=False)
    return enlarged[:, :, :height, :width]


def measure_infidelity(
    forward: Callable[[Tensor, Tensor], Tensor],
    perturb: Callable[[Pair], tuple[Pair, Pair]],
    inputs: Pair,
    attributions: Pair,
    samples: int,
    batch: int,
) -> float:
    """Mean squared error of the predicted change of the target, after the best scaling of the attribution."""
    from captum.metrics import infidelity

    found = infidelity(
        forward, perturb, inputs, attributions, n_perturb_samples=samples, max_examples_per_batch=batch, normalize=True
    )
    return float(found[0])


def measure_sensitivity(
    explain: Callable[[Pair], tuple[Tensor, ...]], inputs: Pair, radius: float, samples: int
) -> float:
    """Largest relative change of an attribution under uniform noise of a radius, one sample at a time."""
    from captum.metrics import sensitivity_max

    found = sensitivity_max(explain, inputs, perturb_radius=radius, n_perturb_samples=samples, max_examples_per_batch=1)
    return float(found[0])


def run_deeplift(probe: Probe, baseline: Pair) -> Pair:
    """Difference from the baseline, handed back through the network by the rescale rule.

    Raises:
        InputError: The network has a step for which there is no rule, so that the result would be wrong.
    """
    from captum.attr import DeepLift

    own = probe.through(copy.deepcopy(probe.network).requires_grad_(False))
    looked = probe.through(own.network)
    looked.watch = Watch()
    reason = find_deeplift_obstacle(looked)
    if reason:
        raise InputError(
            f"DeepLift is not offered for this model: {reason}.",
            "Use integrated_gradients, which has the same aim and needs no rule per step.",
        )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Setting forward, backward hooks")
        found = DeepLift(_ProbeModule(own)).attribute(_fresh(probe.inputs), baselines=baseline)
    return _as_pair(found)


def find_deeplift_obstacle(probe: Probe) -> str:
    """Why the rescale rule would be silently wrong, or nothing.

    The rule is attached to activation modules, each of which must run once. Whatever else is not linear (softmax,
    attention, normalisation over the tile, a product of two features) would get a plain gradient instead.

    Args:
        probe: Of a network whose parameters need no gradient; hooks are put on it, so give a copy.
    """
    calls: dict[str, int] = {}

    def count(name: str) -> Callable[..., None]:
        def hook(*_: Any) -> None:
            calls[name] = calls.get(name, 0) + 1

        return hook

    for name, module in probe.network.named_modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(count(name))
    with torch.enable_grad():
        output = probe(*_fresh(probe.inputs))
    nodes = [(node.name().rpartition("::")[2], node) for node in _walk(output.grad_fn)]
    names = [name for name, _ in nodes]
    strange = sorted({name for name in names if name not in LINEAR_NODES | {"ReluBackward0"}})
    if strange:
        return f"it has no rule for the step {strange[0].removesuffix('0').removesuffix('Backward')}"
    if any(name == "MulBackward0" and _count_inputs(node) > 1 for name, node in nodes):
        return "it has no rule for products of features"
    if any(times > 1 for times in calls.values()) or names.count("ReluBackward0") != sum(calls.values()):
        return "it needs an activation module of its own for every use"
    return ""


class _ProbeModule(nn.Module):
    """A probe as the module that captum wants to hook."""

    def __init__(self, probe: Probe) -> None:
        super().__init__()
        self.network = probe.network
        self._probe = probe

    def forward(self, optical: Tensor, sar: Tensor) -> Tensor:
        return self._probe(optical, sar)


class _LeastSquares:
    """The regression of KernelSHAP; captum's own needs scikit-learn, and this one is a few lines."""

    def __init__(self) -> None:
        self._weights = torch.zeros(0)

    def fit(self, batches: Any) -> None:
        """Weighted least squares with an intercept, over (features, outcome, weight)."""
        parts = zip(*((x.double(), y.double().flatten(), w.double().flatten()) for x, y, w in batches), strict=True)
        features, outcomes, weights = (torch.cat(part) for part in parts)
        roots = weights.sqrt()
        design = torch.cat([features, torch.ones_like(features[:, :1])], dim=1) * roots[:, None]
        solution = torch.linalg.lstsq(design, (outcomes * roots)[:, None], driver="gelsd").solution
        self._weights = solution[:-1, 0].float()

    def representation(self) -> Tensor:
        """(1, features)."""
        return self._weights[None]


def _fresh(inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The same values as new leaves of a graph, so that nothing of what captum does to them stays."""
    return tuple(values.detach().clone().requires_grad_() for values in inputs)


def _as_pair(found: Any) -> Pair:
    return found[0].detach(), found[1].detach()


def _walk(root: Any) -> Iterator[Any]:
    """Every node of an autograd graph."""
    seen, waiting = set(), [root]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        yield node
        waiting += [below for below, _ in node.next_functions]


def _count_inputs(node: Any) -> int:
    return sum(below is not None for below, _ in node.next_functions)
