"""How a chunk's embeddings become searchable: a shard's file, then the row that publishes it."""

from indexing.embedding import embed
from indexing.features import Features
from indexing.files import Published, publish
from indexing.models import Chunk, Encoder, Shard
from indexing.vectors import shards


def publish_shard(encoder: Encoder, features: Features) -> Published:
    """Embed a chunk's features and write them to a shard's file, not yet in any row."""
    embeddings = embed(encoder, features)
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
