"""The seconds of a camera as examples of an event: what it is told by, and what labels say."""

import numpy as np

from indexing.arrays import Longs, Mask
from indexing.events.locations import labels_of
from indexing.models import Location
from indexing.vectors.snapshot import Snapshot
from ml.localization import Floats, joint_rows
from ml.locating import Truth

RECORDING_BITS = 32


def vectors(snapshot: Snapshot, rows: Longs, modality: str) -> Floats:
    """Return what an event is told by, of rows (n,) of a snapshot: (n, d), NaN where absent."""
    both = joint_rows(
        snapshot.video.rows[rows],
        snapshot.audio.rows[rows],
        has_video=snapshot.has_video[rows],
        has_audio=snapshot.has_audio[rows],
    )
    width = snapshot.video.rows.shape[1]
    parts = {"video": both[:, :width], "audio": both[:, width:]}
    return parts.get(modality, both)


def present(snapshot: Snapshot, rows: Longs, modality: str) -> Mask:
    """Tell which rows (n,) have anything of what an event is told by."""
    video, audio = snapshot.has_video[rows], snapshot.has_audio[rows]
    return {"video": video, "audio": audio}.get(modality, video | audio)


def labelled(snapshot: Snapshot, rows: Longs, location: Location) -> Truth:
    """Return what labels say of rows (n,): 1 it happens, -1 it does not, 0 nobody said.

    Where another event was labelled, somebody looked and saw that one. Of labels that contradict
    each other the newest counts.
    """
    keys = (snapshot.recording[rows] << RECORDING_BITS) | snapshot.second[rows]
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    said: Truth = np.zeros(len(rows), np.int8)
    labels = labels_of(location.camera).order_by("pk")
    others = labels.exclude(event=location.event).filter(absent=False)
    for label in [*others, *labels.filter(event=location.event)]:
        first = label.recording_id << RECORDING_BITS
        start, end = np.searchsorted(keys, [first | label.start_s, first | label.end_s])
        here = label.event == location.event and not label.absent
        said[order[start:end]] = 1 if here else -1
    return said
