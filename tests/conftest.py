"""What tests of several rooms share: small real recordings, and an ingest in this process."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from indexing import ingest
from indexing.encoders import snapshots
from indexing.footage.intake import take_in
from indexing.models import Chunk, Job, Recording, Work
from indexing.work import jobs

MEDIA = Path(__file__).resolve().parents[2] / "shared" / "media"


@pytest.fixture(autouse=True)
def _no_snapshots_of_other_tests() -> None:
    snapshots.forget()


@pytest.fixture(autouse=True)
def _no_renewal_from_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread cannot see the test's own transaction; tests of real workers renew for real."""
    monkeypatch.setattr(jobs, "RENEWAL_S", 3600.0)


@pytest.fixture(scope="session")
def media() -> Path:
    """The shared test media, outside the project."""
    if not MEDIA.is_dir():
        pytest.skip("the shared test media are not beside this checkout")
    return MEDIA


@pytest.fixture(scope="session")
def make_video(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that makes a small real recording with ffmpeg, once a session."""
    folder = tmp_path_factory.mktemp("media")

    def make(
        seconds: int = 8,
        *,
        name: str = "street.mp4",
        audio: bool = True,
        tone: int = 440,
        created: str = "",
    ) -> Path:
        path = folder / f"{seconds}-{int(audio)}-{tone}-{name}"
        if not path.exists():
            sound = f"sine=frequency={tone}:sample_rate=44100:duration={seconds}"
            subprocess.run(
                [
                    *("ffmpeg", "-v", "error", "-y"),
                    *("-f", "lavfi", "-i", f"testsrc2=size=320x180:rate=10:duration={seconds}"),
                    *(("-f", "lavfi", "-i", sound) if audio else ()),
                    *("-pix_fmt", "yuv420p", "-g", "20", "-movflags", "+faststart"),
                    *(("-metadata", f"creation_time={created}") if created else ()),
                    str(path),
                ],
                check=True,
            )
        return path

    return make


def drain() -> None:
    """Do all waiting work in this process, as a worker would."""
    while True:
        job = Job.objects.filter(state=Work.State.WAITING).first()
        chunk = Chunk.objects.filter(state=Work.State.WAITING).first()
        if job:
            ingest.run_job(job.pk)
        elif chunk:
            ingest.run_chunk(chunk.pk)
        else:
            break
    ingest.close_recordings()


@pytest.fixture(autouse=True, scope="session")
def _random_trunk() -> Iterator[None]:
    """Footage that is drawn has features of a trunk of random weights; so what is seen has, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexing.footage.weights.DEFAULT", "random")
        yield


@pytest.fixture
def own_trunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the weights be in use that come with the project, as they are outside the tests."""
    monkeypatch.setattr("indexing.footage.weights.DEFAULT", "own")


@pytest.fixture
def ingest_file() -> Callable[..., Recording]:
    """Return a function that ingests a file to its end, in this process."""

    def run(path: Path, camera: str = "North gate") -> Recording:
        with path.open("rb") as stream:
            intake = take_in(stream, name=path.name, size=path.stat().st_size, camera=camera)
        drain()
        intake.recording.refresh_from_db()
        return intake.recording

    return run


@pytest.fixture(name="drain")
def _drain() -> Callable[[], None]:
    return drain


pytest_plugins = ["tests.services"]
