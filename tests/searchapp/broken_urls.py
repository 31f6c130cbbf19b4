"""Addresses whose only page breaks, to see what people get then."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import path

from searchapp.views import errors


@login_not_required
def breaks(request: HttpRequest) -> HttpResponse:
    raise RuntimeError


urlpatterns = [path("sign-in", breaks, name="sign-in")]
handler500 = errors.broken
