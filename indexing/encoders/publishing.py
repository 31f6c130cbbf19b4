"""How a chunk's embeddings become searchable: a shard's file, then the row that publishes it."""

from indexing.encoders.embedding import embed
from indexing.files import FileDamaged, Published, checked, publish
from indexing.footage import features
from indexing.footage.features import Features
from indexing.models import Chunk, Encoder, Shard
from indexing.vectors import shards
from indexing.work.jobs import do_again


def read_features(chunk: Chunk, *, mel: bool = False) -> Features:
    """Return the features kept of a chunk, with the log-mels only on request.

    Raises:
        FileDamaged: they are not what was recorded; the chunk is queued to be made again.
    """
    try:
        return features.load(checked(chunk.features, chunk.features_sha256), mel=mel)
    except FileDamaged:
        do_again(chunk)
        raise


def begins(chunk: Chunk) -> int:
    """Return the moment of a chunk's first clip, in whole seconds since 1970."""
    return round(chunk.recording.start.timestamp()) + chunk.start_s


def publish_shard(encoder: Encoder, chunk: Chunk, described: Features) -> Published:
    """Embed a chunk's features and write them to a shard's file, not yet in any row."""
    embeddings = embed(encoder, described)
    return publish(
        f"shards/{encoder.pk}", ".safetensors", lambda path: shards.save(embeddings, path)
    )


def record_shard(chunk: Chunk, encoder: Encoder, shard: Published) -> None:
    """Let a row publish a shard in place of any earlier one of this chunk and encoder."""
    Shard.objects.filter(chunk=chunk, encoder=encoder).delete()
    Shard.objects.create(
        chunk=chunk,
        encoder=encoder,
        clips=chunk.clips,
        file=shard.file,
        size=shard.size,
        sha256=shard.sha256,
    )
