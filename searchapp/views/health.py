"""Whether this server can do its work, for the machines that ask."""

import tempfile

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse


@login_not_required
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 where the database answers and the data root can be written, else 503."""
    problems = []
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        problems.append("The database does not answer.")
    try:
        with tempfile.TemporaryFile(dir=settings.REPRISE_DATA):
            pass
    except OSError:
        problems.append("The data root cannot be written.")
    return JsonResponse({"ok": not problems, "problems": problems}, status=503 if problems else 200)
