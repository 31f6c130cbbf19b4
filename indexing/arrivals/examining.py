"""What an upload is that came in whole: read and compared with what the library holds."""

from collections.abc import Callable

from indexing.arrivals.times import told
from indexing.files import checksum
from indexing.media.header import created, read_header
from indexing.models import Recording, Upload
from indexing.work import jobs

REPORT_BYTES = 64 * 2**20


def run(pk: int) -> None:
    """Examine one upload."""
    jobs.attempt(Upload, pk, examine)


def examine(upload: Upload) -> None:
    """Find out whether an upload is a recording, whether it is new, and when it may have begun.

    Raises:
        MediaError: it is no recording, with the reason.
        LeaseLost: it was cancelled, or another worker took over.
    """
    starts = told(created(read_header(upload.path)), upload.name)
    digest = checksum(upload.path, _reporting(upload))
    known = Recording.objects.filter(sha256=digest, camera__samples=False).first()
    jobs.finish(upload, sha256=digest, told=[start.to_json() for start in starts], recording=known)
    if known:
        upload.path.unlink(missing_ok=True)


def _reporting(upload: Upload) -> Callable[[int], None]:
    """Return what hears how many bytes were read: progress for people, and a longer lease."""
    reported = 0

    def hear(done: int) -> None:
        nonlocal reported
        if done - reported >= REPORT_BYTES:
            reported = done
            jobs.report(upload, done / upload.size)

    return hear
