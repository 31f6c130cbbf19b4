"""What remains of a course: the trunk alone, ready for whole crops, as one small file."""

from pathlib import Path

import torch
from torch import Tensor, nn

from ml.preprocess import CLIP_FRAMES, CROP
from ml.pretrain.batches import batches
from ml.pretrain.network import Pupil
from ml.weights import CLASSIFIER, TrunkWeights, file_sha256, save_trunk_weights

OWN = "own"
# Of steps that no course reaches: what settles the norms was never learnt from.
UNSEEN = 1 << 19


def graduate(
    pupil: Pupil, checkpoint: Path, path: Path, *, settling: int, size: int = CROP
) -> TrunkWeights:
    """Settle a pupil's norms on so many batches of whole crops, and write its trunk to `path`.

    Matrices are kept in float16, everything else in float32: about 6 MB.
    """
    settle(pupil, settling, size=size)
    state = {
        name: _small(tensor.detach().cpu())
        for name, tensor in pupil.encoder.state_dict().items()
        if not name.startswith(CLASSIFIER)
    }
    weights = TrunkWeights(state, OWN, file_sha256(checkpoint), cut_out=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}")
    save_trunk_weights(temporary, weights)
    temporary.replace(path)
    return weights


def settle(pupil: Pupil, steps: int, *, size: int = CROP, seed: int = 0) -> None:
    """Measure the batch norms' statistics again on whole crops, where the trunk will be used.

    In windows, much more of what a norm sees is a thing, and less of it is empty.
    """
    for module in pupil.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.reset_running_stats()
            module.momentum = None  # the plain mean over all that is shown
    device = next(pupil.parameters()).device
    pupil.train()
    with torch.no_grad():
        for batch in batches(seed, [(size, CLIP_FRAMES)] * steps, first=UNSEEN, processes=0):
            pupil(batch.frames.to(device))
    pupil.eval()


def _small(tensor: Tensor) -> Tensor:
    return tensor.half().contiguous() if tensor.dim() > 1 else tensor.contiguous()
