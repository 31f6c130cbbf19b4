"""The network behind MAViL-style: tokens of ten seconds, masked, encoded, fused and decoded.

A second gives one token for each kind of token its modality has. Shapes: b subclips, s seconds,
k kinds, so b x (s * k) tokens of `WIDTH` columns, second by second.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ml.baselines.subclips import LENGTH

HEADS = 4


def layers(count: int, width: int) -> nn.Sequential:
    """Transformer layers (Vaswani et al., 2017) without dropout, normalised before each part."""
    return nn.Sequential(
        *(
            nn.TransformerEncoderLayer(
                width, HEADS, 4 * width, 0.0, nn.functional.gelu, batch_first=True, norm_first=True
            )
            for _ in range(count)
        ),
        nn.LayerNorm(width),
    )


class Encoder(nn.Module):
    """One modality's tokens, and the layers that see only what is not masked."""

    def __init__(self, widths: Sequence[int], width: int, depth: int) -> None:
        super().__init__()
        self.inputs = nn.ModuleList(nn.Linear(w, width) for w in widths)
        self.seconds = nn.Parameter(torch.randn(LENGTH, 1, width) * 0.02)
        self.layers = layers(depth, width)

    def tokens(self, kinds: Sequence[Tensor], first: int = 0) -> Tensor:
        """Tokens of kinds (b, s, w_k): b x (s * k) x width; `first` is the place of second 0."""
        columns = [layer(kind) for layer, kind in zip(self.inputs, kinds, strict=True)]
        tokens = torch.stack(columns, dim=2)
        return (tokens + self.seconds[first : first + tokens.shape[1]]).flatten(1, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        """Encode tokens b x t x width, in any number and order."""
        encoded: Tensor = self.layers(tokens)
        return encoded


class Decoder(nn.Module):
    """From fused tokens back to every token's target, by kind (b, s, w_k)."""

    def __init__(self, widths: Sequence[int], width: int, depth: int) -> None:
        super().__init__()
        self.masked = nn.Parameter(torch.randn(width) * 0.02)
        self.places = nn.Parameter(torch.randn(LENGTH * len(widths), width) * 0.02)
        self.layers = layers(depth, width)
        self.outputs = nn.ModuleList(nn.Linear(width, w) for w in widths)

    def forward(self, fused: Tensor, kept: Tensor) -> list[Tensor]:
        """Decode fused tokens b x t x width that stand at the places `kept` (b, t)."""
        b, places = len(fused), len(self.places)
        index = kept[:, :, None].expand_as(fused)
        filled = self.masked.expand(b, places, -1).scatter(1, index, fused)
        decoded = self.layers(filled + self.places).view(b, LENGTH, len(self.outputs), -1)
        return [layer(decoded[:, :, kind]) for kind, layer in enumerate(self.outputs)]


@dataclass
class Pass:
    """What one masked pass through a network gave, by modality."""

    encoded: list[Tensor]  # pooled encodings (b, width), before fusion
    kept: list[Tensor]  # places that were seen (b, t)
    decoded: list[list[Tensor]]  # by kind (b, s, w_k)


class MaskedNetwork(nn.Module):
    """Encoders of both modalities, a fusion of what they see, and decoders to some targets."""

    def __init__(
        self,
        inputs: Sequence[Sequence[int]],
        targets: Sequence[Sequence[int]],
        width: int,
        depth: int,
    ) -> None:
        super().__init__()
        self._encoders = [Encoder(widths, width, depth) for widths in inputs]
        self._decoders = [Decoder(widths, width, 1) for widths in targets]
        self.encoders = nn.ModuleList(self._encoders)
        self.decoders = nn.ModuleList(self._decoders)
        self.fusion = layers(1, width)

    def forward(self, modalities: Sequence[Sequence[Tensor]], share: float) -> Pass:
        """Mask this share of each modality's tokens at random and run everything."""
        encoded, kept = self._masked(modalities, share)
        fused = self._fused(encoded)
        parts = zip(self._decoders, fused, kept, strict=True)
        decoded = [decoder(seen, places) for decoder, seen, places in parts]
        return Pass([part.mean(dim=1) for part in encoded], kept, decoded)

    def view(self, modalities: Sequence[Sequence[Tensor]], share: float) -> list[Tensor]:
        """Pooled encodings (b, width) under another mask, for contrast within a modality."""
        encoded, _ = self._masked(modalities, share)
        return [part.mean(dim=1) for part in encoded]

    def contextualised(self, modalities: Sequence[Sequence[Tensor]]) -> list[list[Tensor]]:
        """Encode and fuse everything, nothing masked: by modality and kind (b, s, width)."""
        encoded, _ = self._masked(modalities, 0.0)
        parts = self._fused(encoded)
        shape = len(parts[0]), LENGTH, -1, parts[0].shape[2]
        return [list(part.reshape(shape).unbind(dim=2)) for part in parts]

    def embed(self, modality: int, kinds: Sequence[Tensor]) -> Tensor:
        """Embed single seconds, kinds (n, w_k), by their own tokens alone: (n, width)."""
        encoder = self._encoders[modality]
        tokens = encoder.tokens([kind[:, None] for kind in kinds], LENGTH // 2)
        embedding: Tensor = encoder(tokens).mean(dim=1)
        return embedding

    def _masked(
        self, modalities: Sequence[Sequence[Tensor]], share: float
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Encodings of what is not masked, b x t x width by modality, and its places (b, t)."""
        encoded, kept = [], []
        for encoder, kinds in zip(self._encoders, modalities, strict=True):
            tokens = encoder.tokens(kinds)
            kept.append(random_places(tokens, share) if share else every_place(tokens))
            encoded.append(encoder(seen_tokens(tokens, kept[-1])))
        return encoded, kept

    def _fused(self, encoded: list[Tensor]) -> list[Tensor]:
        """Let the tokens of both modalities see each other."""
        fused: Tensor = self.fusion(torch.cat(encoded, dim=1))
        return list(torch.split(fused, [part.shape[1] for part in encoded], dim=1))


def every_place(tokens: Tensor) -> Tensor:
    """Keep all places, in their order: (b, t)."""
    return torch.arange(tokens.shape[1]).expand(len(tokens), -1)


def random_places(tokens: Tensor, share: float) -> Tensor:
    """Draw the places that stay when this share is masked: (b, t), at least one each."""
    stay = max(1, round(tokens.shape[1] * (1 - share)))
    return torch.rand(tokens.shape[:2]).argsort(dim=1)[:, :stay]


def seen_tokens(tokens: Tensor, kept: Tensor) -> Tensor:
    """Take the tokens at these places: b x t x width."""
    return tokens.gather(1, kept[:, :, None].expand(-1, -1, tokens.shape[2]))


def masked_error(decoded: Sequence[Tensor], targets: Sequence[Tensor], kept: Tensor) -> Tensor:
    """Mean squared error over the tokens that were masked; decoded and targets (b, s, w_k).

    Each token counts alike, whatever its width.
    """
    errors = [(d - t).square().mean(dim=2) for d, t in zip(decoded, targets, strict=True)]
    by_token = torch.stack(errors, dim=2).flatten(1)
    masked = torch.ones_like(by_token).scatter(1, kept, 0.0)
    return (by_token * masked).sum() / masked.sum().clamp_min(1)
