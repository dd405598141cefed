"""The CLAIRE network and its baselines: one class family, chosen by `fusion`.

Legend: B batch, C bands, H height, W width, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from claire.core.bands import MODES, Mode
from claire.core.errors import CheckpointError, UnknownNameError
from claire.models.cmaf import CMAF, StageInspection
from claire.models.decoder import AuxiliaryHead, Decoder
from claire.models.encoders import Encoder
from claire.models.ensemble import join_stages, vote
from claire.models.peers import (
    SSMA,
    SSMA_DEEPEST,
    SSMA_SKIPS,
    Addition,
    AtrousDecoder,
    CascadeFusion,
    CrossModalRectification,
    FeatureFusion,
    SemanticFocusing,
)
from claire.models.pixels import STEP, PixelHeads, PixelReader

STRIDE = 32
"""Height and width must be multiples of this."""

LARGEST: dict[str, int] = {"optical_bands": 256, "sar_bands": 256, "classes": 256, "depths": 64, "grid": 64}
LARGEST_WIDTH = 4096
LARGEST_WINDOW, MOST_WINDOWS = 63, 8
MOST_MEMBERS, MOST_BLOCKS, LARGEST_VOTE = 8, 256, 100
"""What a configuration may ask for at most, `MOST_BLOCKS` in the stages of all members; other numbers are widths."""
WIDTH_STEP = 8
"""Widths of matched networks are multiples of this."""
WIDTH_SHARES = tuple(0.5 + step / 20 for step in range(31))
"""By what the widths are scaled at most and in which steps to match a number of parameters: 0.5 to 2."""


@dataclass(frozen=True)
class NetworkConfig:
    """Everything that rebuilds a network.

    Args:
        optical_bands: C of the optical input.
        sar_bands: C of the SAR input.
        classes: K.
        fusion: Key of `KNOWN`.
        encoder: Key of `claire.models.encoders.BACKBONES`.
        widths: Channels of the four stages.
        depths: Blocks of the four stages.
        stem: Channels at full resolution.
        decoder: Channels of the decoder.
        auxiliary: Channels of the heads of single sensors.
        head_width: Channels of one attention head; 0 leaves cross-attention out (ablation).
        grid: Cells per side of the pooled keys and values.
        groups: Channel groups of the trust gate; 0 takes the mean of what is there instead (ablation).
        relative: Encoders also read every band relative to the tile's own mean and spread; networks of pixels treat
            these as further bands.
        ratios: The optical encoder also reads the normalised difference of every two bands; networks of pixels the
            difference of every two SAR bands (in dB their ratio), too.
        smooth: Sides of windows, odd, pixels, over whose means the encoders also read all that.
        coarse: Sides of further windows of networks of pixels, odd numbers of `STEP` pixels, which are read once for
            each block of as many.
        texture: Networks of pixels also read the spread of every band over these windows.
        changes: Networks of pixels also read what the later date has more of each band than the earlier, of which each
            modality has the first half of its bands.
        dropout: Share of the channels that the encoders leave out while training, 0..0.9.
        experts: The fused map starts from what the heads of the single sensors say where those see anything, and the
            decoder of the fused features says what to change (CMAF only).
        members: Of an ensemble: what is different in each from this configuration, its `fusion` first of all.
        votes: How much each member counts; all alike when empty.
        single_votes: The same in the maps of single sensors; as `votes` when empty. Where one sensor alone saw the
            ground, its map is the fused one, too.
        sar_votes: The same in the map of SAR; as `single_votes` when empty.
        fallback: How much the map of SAR counts in the fused one of an ensemble, 0..1, times how much more SAR has to
            say of the pixel, as where an optical date is missing (`claire.models.ensemble.measure_lean`).
        bilateral: In the maps of an ensemble each pixel also listens to those around it that look like it.
    """

    optical_bands: int
    sar_bands: int
    classes: int
    fusion: str = "cmaf"
    encoder: str = "convnextv2"
    widths: tuple[int, ...] = (32, 64, 128, 192)
    depths: tuple[int, ...] = (2, 2, 4, 2)
    stem: int = 8
    decoder: int = 32
    auxiliary: int = 32
    head_width: int = 32
    grid: int = 8
    groups: int = 4
    relative: bool = False
    ratios: bool = False
    smooth: tuple[int, ...] = ()
    coarse: tuple[int, ...] = ()
    texture: bool = False
    changes: bool = False
    dropout: float = 0.0
    experts: bool = False
    members: tuple[Mapping[str, Any], ...] = ()
    votes: tuple[float, ...] = ()
    single_votes: tuple[float, ...] = ()
    sar_votes: tuple[float, ...] = ()
    fallback: float = 0.0
    bilateral: bool = False

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> NetworkConfig:
        """Read from a manifest or a recipe.

        Raises:
            CheckpointError: A field that no network has, one that is missing, or a size that no network has.
        """
        unknown = set(values) - {f.name for f in fields(cls)}
        if unknown:
            raise CheckpointError(
                f"The network has no setting {', '.join(sorted(unknown))}.", "Use this version's names."
            )
        try:
            plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
            config = cls(**plain)
        except TypeError as error:
            raise CheckpointError("The network's settings are incomplete.", "Give bands and classes.") from error
        for name, value in config.as_dict().items():
            if not _is_setting(name, value):
                raise CheckpointError(f"The network's setting {name} is out of range.", "Use sizes that fit a network.")
        if config.changes and (config.optical_bands % 2 or config.sar_bands % 2):
            raise CheckpointError(
                "The network reads changes between two dates, but a modality has an odd number of bands.",
                "Give each modality as many bands of the later date as of the earlier, or set changes to false.",
            )
        if bool(config.members) != (config.fusion == ENSEMBLE):
            raise CheckpointError("The network has members without being an ensemble, or the reverse.", "Give both.")
        if any(votes and len(votes) != len(config.members) for votes in (getattr(config, name) for name in VOTES)):
            raise CheckpointError("The network's votes are not one for each member.", "Give as many, or none.")
        if sum(sum(config.as_member(member).depths) for member in config.members) > MOST_BLOCKS:
            raise CheckpointError("The network's setting members is out of range.", "Use fewer or smaller ones.")
        return config

    def as_member(self, changes: Mapping[str, Any]) -> NetworkConfig:
        """The configuration of a member of this ensemble.

        Raises:
            CheckpointError: It is no network that can be a member.
        """
        own = {"members": (), **dict.fromkeys(VOTES, ()), "fallback": 0.0, "bilateral": False}
        shared = {**self.as_dict(), "fusion": "cmaf", **own}
        inputs = {"optical_bands", "sar_bands", "classes", "grid", *OF_VOTES}
        if changes.get("fusion", "cmaf") not in MEMBERS or inputs & changes.keys():
            raise CheckpointError(
                "A member of the ensemble is no network that reads both sensors and gives every map.",
                f"Its fusion may be {' or '.join(MEMBERS)}; bands, classes and grid are those of the ensemble.",
            )
        return NetworkConfig.from_mapping({**shared, **changes})

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a manifest."""
        return asdict(self)


def _is_setting(name: str, value: Any) -> bool:
    if name in {"fusion", "encoder"}:
        return isinstance(value, str)
    if name in {"dropout", "fallback"}:
        return type(value) in {int, float} and 0 <= value <= (0.9 if name == "dropout" else 1)
    if name == "members":
        return isinstance(value, tuple) and len(value) <= MOST_MEMBERS and all(isinstance(m, Mapping) for m in value)
    if name in VOTES:
        return isinstance(value, tuple) and all(type(v) in {int, float} and 0 < v <= LARGEST_VOTE for v in value)
    if name in {"relative", "ratios", "texture", "changes", "experts", "bilateral"}:
        return isinstance(value, bool)
    if name in {"smooth", "coarse"}:
        step = STEP if name == "coarse" else 1
        sides = range(3 * step, LARGEST_WINDOW + 1, 2 * step)
        fit = isinstance(value, tuple) and all(type(n) is int and n in sides for n in value)
        return fit and len(value) <= MOST_WINDOWS
    if name in {"widths", "depths"} and (not isinstance(value, tuple) or len(value) != 4):
        return False
    numbers = value if isinstance(value, tuple) else (value,)
    least, most = 0 if name in {"groups", "head_width"} else 1, LARGEST.get(name, LARGEST_WIDTH)
    return all(isinstance(n, int) and not isinstance(n, bool) and least <= n <= most for n in numbers)


@dataclass(frozen=True)
class NetworkOutput:
    """Logits of the modes that the network has, and what its fusion stages did.

    Args:
        logits: Mode -> (B, K, H, W).
        stages: Gates, and attention when inspected, from the finest to the coarsest; empty without CMAF.
    """

    logits: dict[Mode, Tensor]
    stages: tuple[StageInspection, ...] = ()


class ClaireNetwork(nn.Module):
    """Two encoders, CMAF at every stride, a decoder, and a head for each sensor alone: three maps from one forward."""

    modes: tuple[Mode, ...] = MODES

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.optical = _build_encoder(config, config.optical_bands, config.ratios)
        self.sar = _build_encoder(config, config.sar_bands)
        channels = self.optical.channels
        stems, stages = channels[:2], channels[2:]
        self.fusion = nn.ModuleList(
            [CMAF(c, 0, config.grid, min(1, config.groups), refine=False) for c in stems]
            + [CMAF(c, _count_heads(c, config.head_width), config.grid, config.groups) for c in stages]
        )
        self.decoder = Decoder(channels, config.decoder, config.classes)
        self.optical_head = AuxiliaryHead(channels, config.auxiliary, config.classes)
        self.sar_head = AuxiliaryHead(channels, config.auxiliary, config.classes)

    def forward(
        self, optical: Tensor, sar: Tensor, optical_valid: Tensor, sar_valid: Tensor, inspect: bool = False
    ) -> NetworkOutput:
        """Segment a batch of pairs.

        Args:
            optical: (B, C_opt, H, W), normalised; H and W multiples of `STRIDE`.
            sar: (B, C_sar, H, W), normalised.
            optical_valid: (B, C_opt, H, W), 1 valid, 0 not, same dtype.
            sar_valid: (B, C_sar, H, W).
            inspect: Also return attention; logits are the same up to rounding.

        Returns:
            Logits of all three modes, gates of every stage.
        """
        from_optical, from_sar = self.optical(optical, optical_valid), self.sar(sar, sar_valid)
        seen = torch.cat([optical_valid.amax(dim=1, keepdim=True), sar_valid.amax(dim=1, keepdim=True)], dim=1)
        fused, stages = [], []
        for cmaf, a, b in zip(self.fusion, from_optical, from_sar, strict=True):
            share = F.adaptive_avg_pool2d(seen, a.shape[2:])
            features, inspection = cmaf(a, b, share, inspect)
            fused.append(features)
            stages.append(inspection)
        logits: dict[Mode, Tensor] = {
            "fused": self.decoder(fused),
            "optical": self.optical_head(from_optical),
            "sar": self.sar_head(from_sar),
        }
        if self.config.experts:
            # The heads learn from their own sensor alone; what is not there has no say.
            said = [logit.detach() if self.training else logit for logit in (logits["optical"], logits["sar"])]
            logits["fused"] = logits["fused"] + seen[:, :1] * said[0] + seen[:, 1:] * said[1]
        return NetworkOutput(logits, tuple(stages))


class SingleNetwork(nn.Module):
    """Baseline: one sensor, one encoder, the same decoder. Which sensor is the `fusion` of its configuration."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.mode: Mode = "optical" if config.fusion == "optical" else "sar"
        self.modes: tuple[Mode, ...] = (self.mode,)
        self.encoder = _build_encoder(config, getattr(config, f"{self.mode}_bands"))
        self.decoder = Decoder(self.encoder.channels, config.decoder, config.classes)

    def forward(
        self, optical: Tensor, sar: Tensor, optical_valid: Tensor, sar_valid: Tensor, inspect: bool = False
    ) -> NetworkOutput:
        """Segment from one sensor; arguments as for `ClaireNetwork.forward`."""
        pixels, valid = (optical, optical_valid) if self.mode == "optical" else (sar, sar_valid)
        return NetworkOutput({self.mode: self.decoder(self.encoder(pixels, valid))})


class ConcatNetwork(nn.Module):
    """Baseline: both sensors stacked at the input of one encoder."""

    modes: tuple[Mode, ...] = ("fused",)

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = _build_encoder(config, config.optical_bands + config.sar_bands)
        self.decoder = Decoder(self.encoder.channels, config.decoder, config.classes)

    def forward(
        self, optical: Tensor, sar: Tensor, optical_valid: Tensor, sar_valid: Tensor, inspect: bool = False
    ) -> NetworkOutput:
        """Segment from the stack; arguments as for `ClaireNetwork.forward`."""
        pixels, valid = torch.cat([optical, sar], dim=1), torch.cat([optical_valid, sar_valid], dim=1)
        return NetworkOutput({"fused": self.decoder(self.encoder(pixels, valid))})


class LateNetwork(nn.Module):
    """Baseline: two single-sensor networks whose class probabilities are averaged."""

    modes: tuple[Mode, ...] = MODES

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.encoders = nn.ModuleList(_build_encoder(config, b) for b in (config.optical_bands, config.sar_bands))
        self.decoders = nn.ModuleList(
            Decoder(encoder.channels, config.decoder, config.classes)  # type: ignore[arg-type]
            for encoder in self.encoders
        )

    def forward(
        self, optical: Tensor, sar: Tensor, optical_valid: Tensor, sar_valid: Tensor, inspect: bool = False
    ) -> NetworkOutput:
        """Segment from each sensor and average where both saw the ground; arguments as for `ClaireNetwork.forward`."""
        single = [
            decoder(encoder(pixels, valid))
            for encoder, decoder, pixels, valid in zip(
                self.encoders, self.decoders, (optical, sar), (optical_valid, sar_valid), strict=True
            )
        ]
        seen = torch.stack([optical_valid.amax(dim=1), sar_valid.amax(dim=1)]).unsqueeze(2)
        weight = (seen + 1e-6) / (seen + 1e-6).sum(dim=0)
        mean = weight[0] * single[0].softmax(dim=1) + weight[1] * single[1].softmax(dim=1)
        return NetworkOutput({"fused": torch.log(mean + 1e-8), "optical": single[0], "sar": single[1]})


class PeerNetwork(nn.Module):
    """A peer: two encoders, the fusion of another paper at the four stages, the same decoder."""

    modes: tuple[Mode, ...] = ("fused",)

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.optical = _build_encoder(config, config.optical_bands)
        self.sar = _build_encoder(config, config.sar_bands)
        channels = self.optical.channels
        rectify, fuse = PEERS[config.fusion]
        stages = channels[2:]
        self.rectify = nn.ModuleList(rectify(c) for c in stages) if rectify is not None else None
        self.fuse = nn.ModuleList(fuse(c, stage == len(stages) - 1) for stage, c in enumerate(stages))
        self.decoder = Decoder(channels, config.decoder, config.classes)

    def forward(
        self, optical: Tensor, sar: Tensor, optical_valid: Tensor, sar_valid: Tensor, inspect: bool = False
    ) -> NetworkOutput:
        """Segment from both sensors; arguments as for `ClaireNetwork.forward`."""
        stems = self.optical.stem(optical, optical_valid), self.sar.stem(sar, sar_valid)
        fused = [a + b for a, b in zip(*stems, strict=True)]
        one, two = self.optical.embed(stems[0][1]), self.sar.embed(stems[1][1])
        for stage, fuse in enumerate(self.fuse):
            one, two = self.optical.advance(stage, one), self.sar.advance(stage, two)
            if self.rectify is not None:
                one, two = self.rectify[stage](one, two)
            fused.append(fuse(self.optical.hand_out(stage, one), self.sar.hand_out(stage, two)))
        return NetworkOutput({"fused": self.decoder(fused)})


class DualDeepLab(nn.Module):
    """A peer: DeepLabV3+ on the optical encoder with a second entry for SAR (Berka 2025)."""

    modes: tuple[Mode, ...] = ("fused",)

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.optical = _build_encoder(config, config.optical_bands)
        self.sar = _build_encoder(config, config.sar_bands)
        self.decoder = AtrousDecoder(self.optical.channels, 2 * config.decoder, config.classes)

    def forward(
        self, optical: Tensor, sar: Tensor, optical_valid: Tensor, sar_valid: Tensor, inspect: bool = False
    ) -> NetworkOutput:
        """Segment from both sensors; arguments as for `ClaireNetwork.forward`."""
        logits = self.decoder(self.optical(optical, optical_valid), self.sar(sar, sar_valid))
        return NetworkOutput({"fused": logits})


class PixelNetwork(nn.Module):
    """Looks at pixels and at the means around them; no shapes. `stem` is the width that `PixelHeads` has."""

    modes: tuple[Mode, ...] = MODES

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        both: dict[str, Any] = {"coarse": config.coarse, "smooth": config.smooth, "texture": config.texture}
        dates = config.relative, config.changes
        self.heads = PixelHeads(
            PixelReader(config.optical_bands, *dates, ratios=config.ratios, **both),
            PixelReader(config.sar_bands, *dates, differences=config.ratios, **both),
            config.stem,
            config.classes,
            config.dropout,
        )

    def forward(
        self, optical: Tensor, sar: Tensor, optical_valid: Tensor, sar_valid: Tensor, inspect: bool = False
    ) -> NetworkOutput:
        """Segment from the pixels; arguments as for `ClaireNetwork.forward`."""
        fused, alone, other = self.heads(optical, sar, optical_valid, sar_valid)
        return NetworkOutput({"fused": fused, "optical": alone, "sar": other})


class EnsembleNetwork(nn.Module):
    """Several networks, each trained by itself, and the mean of what they say."""

    modes: tuple[Mode, ...] = MODES
    shift: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.members = nn.ModuleList(build_network(config.as_member(changes)) for changes in config.members)
        self.register_buffer("shift", torch.zeros(len(MODES), config.classes))

    def forward(
        self, optical: Tensor, sar: Tensor, optical_valid: Tensor, sar_valid: Tensor, inspect: bool = False
    ) -> NetworkOutput:
        """Segment with every member; arguments as for `ClaireNetwork.forward`."""
        inputs = optical, sar, optical_valid, sar_valid
        said = [member(*inputs, inspect=inspect) for member in self.members]
        fused = self.config.votes or (1.0,) * len(said)
        single = self.config.single_votes or fused
        votes: dict[Mode, tuple[float, ...]] = {
            "fused": fused,
            "optical": single,
            "sar": self.config.sar_votes or single,
        }
        how = votes, self.config.fallback, self.config.bilateral
        logits = vote(said, optical, optical_valid, sar_valid, *how)
        shifts = dict(zip(MODES, self.shift[..., None, None], strict=True))
        seen = [valid.amax(dim=1, keepdim=True) > 0 for valid in (optical_valid, sar_valid)]
        alone = torch.where(seen[0], shifts["optical"], shifts["sar"])
        added = {**shifts, "fused": torch.where(seen[0] & seen[1], shifts["fused"], alone)}
        return NetworkOutput({mode: logits[mode] + added[mode] for mode in MODES}, join_stages(said))


PEERS: dict[str, tuple[Callable[[int], nn.Module] | None, Callable[[int, bool], nn.Module]]] = {
    "add": (None, lambda channels, deepest: Addition()),
    "ssma": (None, lambda channels, deepest: SSMA(channels, SSMA_DEEPEST if deepest else SSMA_SKIPS)),
    "cmx": (CrossModalRectification, lambda channels, deepest: FeatureFusion(channels)),
    "asanet": (SemanticFocusing, lambda channels, deepest: CascadeFusion(channels)),
}
"""What rectifies both sensors on their way (None: nothing does) and what fuses them, from the channels of a stage and
whether it is the coarsest."""

ENSEMBLE = "ensemble"
"""The fusion whose members are trained by themselves."""
VOTES = ("votes", "single_votes", "sar_votes")
"""Settings of an ensemble that give a number for each member."""
OF_VOTES = (*VOTES, "fallback", "bilateral")
"""All settings of an ensemble that say how its members are joined."""
OF_PIXELS = ("fusion", "stem", "relative", "ratios", "smooth", "coarse", "texture", "changes", "dropout")
"""What a network of pixels reads of a configuration, besides bands and classes."""
MEMBERS = ("cmaf", "pixels")
"""What the members of an ensemble may be."""

Network = (
    ClaireNetwork
    | SingleNetwork
    | ConcatNetwork
    | LateNetwork
    | PeerNetwork
    | DualDeepLab
    | PixelNetwork
    | EnsembleNetwork
)

NETWORKS: dict[str, type[Network]] = {
    "cmaf": ClaireNetwork,
    "optical": SingleNetwork,
    "sar": SingleNetwork,
    "concat": ConcatNetwork,
    "late": LateNetwork,
    **dict.fromkeys(PEERS, PeerNetwork),
    "deeplab": DualDeepLab,
}
"""Networks that any recipe trains, and that are compared with each other."""

KNOWN: dict[str, type[Network]] = {**NETWORKS, "pixels": PixelNetwork, ENSEMBLE: EnsembleNetwork}
"""All networks, those with a training of their own, too."""


def build_network(config: NetworkConfig) -> Network:
    """The network that a configuration names, with random weights.

    Raises:
        UnknownNameError: No such fusion or encoder; lists the right names.

    Example:
        >>> build_network(NetworkConfig(optical_bands=6, sar_bands=2, classes=2)).modes
        ('fused', 'optical', 'sar')
    """
    if config.fusion not in KNOWN:
        raise UnknownNameError.among("fusion", config.fusion, KNOWN)
    return KNOWN[config.fusion](config)


def match_parameters(config: NetworkConfig, fusion: str, wanted: int) -> NetworkConfig:
    """The configuration with another fusion and with widths that bring it near a number of parameters.

    All four widths are scaled alike and stay multiples of `WIDTH_STEP`; the rest stays, so that peers differ in their
    fusion and in nothing else.

    Args:
        config: Of the network that is compared with.
        fusion: Key of `NETWORKS`.
        wanted: Parameters.

    Raises:
        UnknownNameError: No such fusion; lists the right names.
    """
    sizes = {
        tuple(max(WIDTH_STEP, round(width * share / WIDTH_STEP) * WIDTH_STEP) for width in config.widths)
        for share in WIDTH_SHARES
    }
    candidates = [replace(config, fusion=fusion, widths=widths) for widths in sorted(sizes)]
    return min(candidates, key=lambda each: abs(count_parameters(each) - wanted))


def count_parameters(config: NetworkConfig) -> int:
    """Numbers that the network of a configuration learns; builds it without memory."""
    with torch.device("meta"):
        return sum(values.numel() for values in build_network(config).parameters())


def set_levels(network: Network, optical: tuple[Sequence[float], Sequence[float]]) -> None:
    """Tell a network with `ratios` the means and spreads by which its optical input is normalised."""
    if isinstance(network, ClaireNetwork):
        network.optical.set_levels(*optical)
    elif isinstance(network, PixelNetwork):
        network.heads.optical.set_levels(*optical)
    elif isinstance(network, EnsembleNetwork):
        for member in network.members:
            set_levels(member, optical)  # type: ignore[arg-type]


def shift_classes(network: Network, shifts: Mapping[Mode, Mapping[int, float]]) -> None:
    """Add to the logits of classes, as when they are rarer or more frequent in the world than they were in training.

    With `experts` the fused map takes over what is added to the maps of single sensors, where these see anything; that
    of an ensemble has the shift of a single sensor where this alone sees anything.

    Args:
        network: To change.
        shifts: Map -> class index -> what is added, natural logarithm; maps that the network lacks are left out.
    """
    biases = _find_biases(network)
    with torch.no_grad():
        for mode in shifts.keys() & biases.keys():
            for index, shift in shifts[mode].items():
                biases[mode][index] += shift


def _find_biases(network: Network) -> dict[Mode, Tensor]:
    """Map -> what is added to its logits, (K,)."""
    if isinstance(network, EnsembleNetwork):
        return dict(zip(MODES, network.shift, strict=True))
    layers: dict[Mode, Any]
    if isinstance(network, ClaireNetwork):
        layers = {"fused": network.decoder.head, "optical": network.optical_head.head, "sar": network.sar_head.head}
    elif isinstance(network, PixelNetwork):
        heads = network.heads
        layers = {"fused": heads.joint_head[-1], "optical": heads.optical_head[-1], "sar": heads.sar_head[-1]}
    elif isinstance(network, LateNetwork):
        layers = dict(zip(("optical", "sar"), (decoder.head for decoder in network.decoders), strict=True))
    else:
        layers = {network.modes[0]: network.decoder.head}
    return {mode: layer.bias for mode, layer in layers.items()}


def _count_heads(channels: int, width: int) -> int:
    return max(1, channels // width) if width else 0


def _build_encoder(config: NetworkConfig, bands: int, ratios: bool = False) -> Encoder:
    sizes = config.widths, config.depths, config.stem
    return Encoder(bands, config.encoder, *sizes, config.relative, ratios, config.smooth, config.dropout)
