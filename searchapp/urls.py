"""Which address shows which page."""

from django.contrib.auth import views as auth
from django.urls import path

from searchapp.views import (
    anomalies,
    comparison,
    encoders,
    errors,
    events,
    health,
    labels,
    library,
    media,
    recording,
    search,
    training,
    upload,
)

urlpatterns = [
    path("", library.library, name="library"),
    path("sign-in", auth.LoginView.as_view(template_name="sign_in.html"), name="sign-in"),
    path("sign-out", auth.LogoutView.as_view(), name="sign-out"),
    path("cameras/<int:pk>/zone", library.zone, name="zone"),
    path("upload", upload.upload, name="upload"),
    path("upload/check", upload.check, name="upload-check"),
    path("search", search.search, name="search"),
    path("recordings/<int:pk>", recording.recording, name="recording"),
    path("recordings/<int:pk>/media", media.playable, name="media"),
    path("recordings/<int:pk>/original", media.original, name="original"),
    path("recordings/<int:pk>/thumbnails/<int:second>.jpg", media.thumbnail, name="thumbnail"),
    path("recordings/<int:pk>/retry", recording.retry, name="retry"),
    path("recordings/<int:pk>/delete", recording.delete, name="delete"),
    path("anomalies/", anomalies.overview, name="anomalies-overview"),
    path("cameras/<str:camera>/anomalies/", anomalies.anomalies, name="anomalies"),
    path("cameras/<str:camera>/anomalies/line", anomalies.line, name="anomaly-line"),
    path("cameras/<str:camera>/anomalies/curve", anomalies.curve, name="anomaly-curve"),
    path("cameras/<str:camera>/anomalies/review", anomalies.review, name="review"),
    path("reviews/<int:pk>/undo", anomalies.undo, name="undo-review"),
    path("events", events.events, name="events"),
    path("cameras/<int:pk>/events", events.create, name="create-event"),
    path("events/<int:pk>", events.event, name="event"),
    path("events/<int:pk>/rename", events.rename, name="rename-event"),
    path("events/<int:pk>/tell", events.tell, name="tell-event"),
    path("events/<int:pk>/again", events.again, name="learn-event"),
    path("events/<int:pk>/delete", events.delete, name="delete-event"),
    path("recordings/<int:pk>/events", labels.desk, name="label-desk"),
    path("recordings/<int:pk>/labels", labels.make, name="make-label"),
    path("labels/import", labels.take_in, name="import-labels"),
    path("labels/export", labels.export, name="export-labels"),
    path("labels/<int:pk>", labels.label, name="label"),
    path("labels/<int:pk>/delete", labels.delete, name="delete-label"),
    path("changes/<int:pk>/undo", labels.undo, name="undo-labels"),
    path("encoders", encoders.encoders, name="encoders"),
    path("encoders/compare", comparison.compare, name="compare"),
    path("encoders/<int:pk>", encoders.encoder, name="encoder"),
    path("encoders/<int:pk>/activate", encoders.activate, name="activate"),
    path("encoders/<int:pk>/build", encoders.build, name="build"),
    path("encoders/<int:pk>/delete", encoders.delete, name="delete-encoder"),
    path("encoders/<int:pk>/file", encoders.export, name="export"),
    path("cameras/<int:pk>/encoders", encoders.take_in, name="import"),
    path("cameras/<int:pk>/train", training.train, name="train"),
    path("trainings/<int:pk>", training.training, name="training"),
    path("trainings/<int:pk>/pause", training.pause, name="pause"),
    path("trainings/<int:pk>/resume", training.resume, name="resume"),
    path("trainings/<int:pk>/cancel", training.cancel, name="cancel"),
    path("healthz", health.healthz, name="healthz"),
]

handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.broken
