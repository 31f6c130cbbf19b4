"""The ways in which a search compares clips, in words."""

from indexing.models import Camera, Recording
from indexing.search.query import SearchQuery, With

WAYS = {
    With.JOINT: "Picture and sound",
    With.VIDEO: "Picture",
    With.AUDIO: "Sound",
    With.VIDEO_TO_AUDIO: "Picture finds sound",
    With.AUDIO_TO_VIDEO: "Sound finds picture",
}
SAYS = {
    With.JOINT: (
        "Finds what looks and sounds like the query. Each counts by how far the query stands out "
        "in it, and the slider shifts that."
    ),
    With.VIDEO: "Finds what looks like the query, whatever it sounds like.",
    With.AUDIO: "Finds what sounds like the query, whatever it looks like.",
    With.VIDEO_TO_AUDIO: (
        "Finds moments that sound as what is seen in the query usually does, even where it is out "
        "of the picture."
    ),
    With.AUDIO_TO_VIDEO: (
        "Finds moments that look as what is heard in the query usually does, even where it makes "
        "no sound."
    ),
}


def ways_of(recording: Recording) -> list[tuple[With, str, str]]:
    """Return the ways to compare that this recording and its camera's encoder allow."""
    if not (recording.has_video and recording.has_audio):
        only = With.VIDEO if recording.has_video else With.AUDIO
        return [(With.JOINT, WAYS[only], SAYS[only])]
    crosses = crossable(recording)
    return [(way, WAYS[way], SAYS[way]) for way in WAYS if crosses or not way.crossing]


def crossable(recording: Recording) -> bool:
    """Tell whether a picture finds sounds, and a sound pictures, at the recording's camera.

    Of a sample, whether that is so at any camera.
    """
    if recording.camera.samples:
        return Camera.objects.filter(encoder__crossable=True).exists()
    encoder = recording.camera.encoder
    return encoder is not None and encoder.crossable


def way_of(query: SearchQuery) -> str:
    """Return how a query compares, within a sentence."""
    shifted = query.modality is With.JOINT and query.audio_weight != SearchQuery.audio_weight
    slider = f", the slider at {query.audio_weight:.0%} sound" if shifted else ""
    return WAYS[query.modality].lower() + slider
