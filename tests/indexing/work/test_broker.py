"""The embedded broker: messages made of files, whole, in order, and each taken once."""

import threading
from collections import Counter
from queue import Empty

import pytest
from kombu import Connection

from indexing.footage.intake import SAMPLES
from indexing.models import Camera, Job, Upload, Work
from indexing.work import broker, jobs
from tests.footage import add_footage


@pytest.fixture
def channel() -> broker.Channel:
    broker.ready()
    connection = Connection("files://localhost")
    channel = connection.channel()
    assert isinstance(channel, broker.Channel)
    channel._purge("post")
    return channel


def test_messages_come_back_in_order(channel: broker.Channel) -> None:
    for number in range(5):
        channel._put("post", {"number": number})
    assert channel._size("post") == 5
    assert [channel._get("post")["number"] for _ in range(5)] == list(range(5))
    with pytest.raises(Empty):
        channel._get("post")


def test_what_is_more_urgent_overtakes(channel: broker.Channel) -> None:
    for number, priority in enumerate((6, 3, 6, 0, 3)):
        channel._put("post", {"number": number, "properties": {"priority": priority}})
    assert [channel._get("post")["number"] for _ in range(5)] == [3, 1, 4, 0, 2]


def test_queues_are_apart(channel: broker.Channel) -> None:
    channel._purge("letters.post")
    channel._put("letters.post", {"number": 1})
    with pytest.raises(Empty):
        channel._get("post")
    assert channel._get("letters.post") == {"number": 1}


def test_each_message_is_taken_once_while_others_are_written(channel: broker.Channel) -> None:
    total = 400
    taken: list[int] = []

    def write(first: int) -> None:
        for number in range(first, total, 2):
            channel._put("post", {"number": number})

    def read() -> None:
        while any(writer.is_alive() for writer in writers) or pending():
            try:
                taken.append(channel._get("post")["number"])
            except Empty:
                continue

    def pending() -> bool:
        return channel._size("post") > 0

    writers = [threading.Thread(target=write, args=(first,)) for first in (0, 1)]
    readers = [threading.Thread(target=read) for _ in range(3)]
    for thread in (*writers, *readers):
        thread.start()
    for thread in (*writers, *readers):
        thread.join()

    assert Counter(taken) == Counter(range(total))


def test_a_message_that_cannot_be_read_is_dropped(channel: broker.Channel) -> None:
    waiting, taken = broker.folders()
    (waiting / "0-0.post.msg").write_text("")
    channel._put("post", {"number": 1})

    with pytest.raises(Empty):
        channel._get("post")

    assert channel._get("post") == {"number": 1}
    assert list(taken.iterdir()) == []


def test_redis_keeps_the_same_order(redis_url: str) -> None:
    with Connection(redis_url) as connection, connection.SimpleQueue("post") as queue:
        for number, priority in enumerate((6, 3, 6, 0, 3)):
            queue.put({"number": number}, priority=priority)
        assert [queue.get(timeout=5).payload["number"] for _ in range(5)] == [3, 1, 4, 0, 2]


@pytest.mark.django_db
def test_what_somebody_waits_for_overtakes_a_library_that_is_coming_in(
    channel: broker.Channel,
) -> None:
    footage = add_footage("North gate", 120)
    Camera.objects.create(name=SAMPLES, samples=True)
    sample = add_footage(SAMPLES, 20)
    upload = Upload.objects.create(name="gate.mp4", size=8, offset=8, camera="North gate")
    prepare = Job.objects.create(
        kind=Job.Kind.PREPARE, camera=footage.camera, recording=footage, state=Work.State.DONE
    )
    channel._purge("work")
    long, asked = footage.chunks.first(), sample.chunks.first()
    assert long
    assert asked
    jobs.wake([long, prepare, asked, upload])

    tasks = [channel._get("work")["headers"]["task"].rpartition(".")[2] for _ in range(4)]
    assert tasks == ["embed_chunk", "examine", "run_job", "embed_chunk"]
