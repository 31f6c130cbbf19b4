"""Standing searches: new chunks alone, once each, whoever dies; how near, how often, how told."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from indexing.casework import checking, saved, standing
from indexing.casework.saved import SavedError
from indexing.casework.standing import Terms
from indexing.files import absolute
from indexing.models import (
    Camera,
    Check,
    Chunk,
    Delivery,
    Notification,
    Recording,
    SavedSearch,
    Shard,
    Work,
)
from indexing.search import ranking
from indexing.search.query import SearchQuery
from indexing.work import jobs
from tests.footage import add_footage

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return User.objects.create_user("operator")


@pytest.fixture
def first() -> Recording:
    return add_footage("north", 180, seed=1)


def keep(user: User, recording: Recording, second: int = 30, **asked: object) -> SavedSearch:
    query = SearchQuery(recording_id=recording.pk, second=second)
    return saved.save(user, f"at {second}", replace(query, **asked))  # type: ignore[arg-type]


def far(kept: SavedSearch) -> float:
    """A distance that some clips are below and others above."""
    hits = ranking.search(replace(saved.question(kept), k=500, exclusion_s=0)).hits
    return hits[len(hits) // 3].distance


def work() -> None:
    """Do the checks and deliveries that wait, as a worker would."""
    for check in Check.objects.filter(state=Work.State.WAITING):
        checking.run(check.pk)


def test_every_new_chunk_is_checked_once_and_gone(user: User, first: Recording) -> None:
    kept = keep(user, first)
    standing.stand(kept, Terms(threshold=60, cool_down_s=0))
    assert not Check.objects.exists()
    second = add_footage("north", 120, seed=2)
    add_footage("south", 60, seed=3)
    assert {check.chunk.recording for check in Check.objects.all()} == {second}
    assert Check.objects.count() == second.chunks.count()
    work()
    assert not Check.objects.exists()
    kept.refresh_from_db()
    assert kept.checked == second.chunks.count()
    found = Notification.objects.filter(saved=kept)
    assert found
    assert {one.recording for one in found} == {second}


def test_it_finds_exactly_what_a_search_finds(user: User, first: Recording) -> None:
    kept = keep(user, first)
    limit = far(kept)
    standing.stand(kept, Terms(measure="distance", threshold=limit, cool_down_s=0))
    second = add_footage("north", 120, seed=2)
    work()
    query = replace(saved.question(kept), k=500, exclusion_s=0, recordings=(second.pk,))
    hits = {hit.second: hit.distance for hit in ranking.search(query).hits if hit.distance <= limit}
    assert 0 < len(hits) < 120
    found = {one.second: one.distance for one in Notification.objects.filter(saved=kept)}
    assert found == pytest.approx(hits)


def test_the_page_tells_how_many_it_would_have_been(user: User, first: Recording) -> None:
    terms = Terms(threshold=60, cool_down_s=60)
    kept = keep(user, first)
    before = standing.past(saved.question(kept), terms)
    assert before.clips == 180 - 91  # the query's own minute on both sides is left out
    standing.stand(kept, terms)
    kept.refresh_from_db()
    assert before.limit == kept.limits[str(first.camera.encoder_id)]
    for seed in (2, 3):
        add_footage("north", 120, seed=seed)
    work()
    found = Notification.objects.filter(saved=kept)
    limit = standing.past(
        replace(saved.question(kept), since=first.end),
        Terms(measure="distance", threshold=before.limit or 0, cool_down_s=60),
    )
    assert limit.notifications == found.count() > 0


def test_a_cool_down_counts_instead_of_telling(user: User, first: Recording) -> None:
    kept = keep(user, first)
    standing.stand(kept, Terms(measure="distance", threshold=1000, cool_down_s=100))
    second = add_footage("north", 120, seed=2)
    work()
    found = list(Notification.objects.filter(saved=kept).order_by("at"))
    assert [one.second for one in found] == [0, 101]
    assert sum(1 + one.more for one in found) == 120
    assert found[0].at == second.start


def test_doubled_and_dying_workers_lose_and_repeat_nothing(
    user: User, first: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = keep(user, first)
    standing.stand(kept, Terms(measure="distance", threshold=1000, cool_down_s=0))
    second = add_footage("north", 60, seed=2)
    (check,) = Check.objects.all()
    dead = jobs.claim(Check, check.pk)
    assert dead is not None
    assert jobs.claim(Check, check.pk) is None
    Check.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    jobs.sweep()
    work()
    assert Notification.objects.count() == 60
    with pytest.raises(jobs.LeaseLost):
        checking.hold(dead)
    assert Notification.objects.count() == 60
    # A chunk that is made again is no new footage.
    chunk = second.chunks.get()
    jobs.do_again(chunk)
    chunk.refresh_from_db()
    remake(chunk)
    assert not Check.objects.exists()


def remake(chunk: Chunk) -> None:
    """Publish a chunk again from the features that are kept of it."""
    from indexing import ingest
    from indexing.encoders.publishing import read_features

    claimed = jobs.claim(Chunk, chunk.pk)
    assert claimed is not None
    columns = {name: getattr(chunk, name) for name in ("features", "features_sha256", "trunk")}
    assert ingest.publish_chunk(claimed, read_features(chunk, mel=True), columns)


def test_a_damaged_shard_puts_the_check_off_and_loses_nothing(user: User, first: Recording) -> None:
    kept = keep(user, first)
    standing.stand(kept, Terms(measure="distance", threshold=1000, cool_down_s=0))
    add_footage("north", 60, seed=2)
    (check,) = Check.objects.all()
    shard = Shard.objects.get(chunk=check.chunk)
    absolute(shard.file).write_bytes(b"damaged")
    checking.run(check.pk)
    check.refresh_from_db()
    assert (check.state, check.attempts) == (Work.State.WAITING, 0)
    check.chunk.refresh_from_db()
    remake(check.chunk)
    checking.run(check.pk)
    assert Notification.objects.count() == 60


def test_another_encoder_gets_a_limit_of_its_own(user: User, first: Recording) -> None:
    kept = keep(user, first)
    limit = far(kept)
    standing.stand(kept, Terms(measure="distance", threshold=limit, cool_down_s=0))
    kept.refresh_from_db()
    percentile = kept.limits["percentile"]
    assert 0 < percentile < 100
    encoder = first.camera.encoder
    assert encoder is not None
    columns = [
        (shard.chunk, {n: getattr(shard, n) for n in ("clips", "file", "size", "sha256")})
        for shard in Shard.objects.filter(encoder=encoder)
    ]
    encoder.version, encoder.pk = 9, encoder.pk + 1000
    encoder.save(force_insert=True)
    for chunk, each in columns:
        Shard.objects.create(chunk=chunk, encoder=encoder, **each)
    Camera.objects.filter(name="north").update(encoder=encoder)
    add_footage("north", 60, seed=2)
    work()
    kept.refresh_from_db()
    assert kept.limits[str(encoder.pk)] == pytest.approx(limit, rel=0.2)
    assert not Check.objects.exists()


def test_terms_that_make_no_sense_get_a_sentence(user: User, first: Recording) -> None:
    kept = keep(user, first)
    for terms, sentence in (
        (Terms(measure="luck"), "a percentile or a distance"),
        (Terms(threshold=100), "at least 50 and below 100"),
        (Terms(threshold=float("nan")), "must be a number"),
        (Terms(measure="distance", threshold=0), "above 0"),
        (Terms(cool_down_s=-1), "0 seconds to 24 hours"),
        (Terms(email="a@b.example"), "sends no e-mail"),
    ):
        with pytest.raises(SavedError, match=sentence):
            standing.stand(kept, terms)
    kept.refresh_from_db()
    assert not kept.standing


def test_distances_of_two_encoders_are_not_compared(user: User, first: Recording) -> None:
    add_footage("south", 120, seed=4)
    kept = keep(user, first, cameras=("north", "south"))
    with pytest.raises(SavedError, match="set a percentile instead"):
        standing.stand(kept, Terms(measure="distance", threshold=1))
    standing.stand(kept, Terms(threshold=90))
    add_footage("south", 60, seed=5)
    work()
    assert not Check.objects.exists()


def test_a_search_whose_query_is_gone_stands_no_more(user: User, first: Recording) -> None:
    kept = keep(user, first)
    standing.stand(kept, Terms(threshold=90))
    add_footage("north", 60, seed=2)
    Recording.objects.filter(pk=first.pk).delete()
    work()
    kept.refresh_from_db()
    assert "was deleted" in standing.stuck(kept)
    add_footage("north", 60, seed=3)
    assert Check.objects.count() == 1
    with pytest.raises(SavedError, match="cannot stand"):
        standing.stand(kept, Terms())


def test_a_notification_leaves_by_every_way(user: User, first: Recording) -> None:
    kept = keep(user, first)
    standing.stand(kept, Terms("distance", 1000, 3600, webhook="https://example.com/x"))
    kept.refresh_from_db()
    assert len(kept.secret) == 64
    add_footage("north", 60, seed=2)
    work()
    (delivery,) = Delivery.objects.all()
    assert delivery.channel == Delivery.Channel.WEBHOOK
    standing.stop(kept)
    add_footage("north", 60, seed=3)
    assert not Check.objects.exists()
    assert np.isfinite(Notification.objects.get().distance)
