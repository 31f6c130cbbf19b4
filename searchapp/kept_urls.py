"""The addresses of what an account keeps: saved searches, notifications, cases and evidence."""

from django.urls import path

from searchapp.views import cases, evidence, notifications, saved

urlpatterns = [
    path("saved", saved.saved_searches, name="saved-searches"),
    path("saved/<int:pk>", saved.saved_search, name="saved-search"),
    path("saved/<int:pk>/rename", saved.rename, name="rename-saved"),
    path("saved/<int:pk>/delete", saved.delete, name="delete-saved"),
    path("saved/<int:pk>/past", saved.past, name="past"),
    path("saved/<int:pk>/stand", saved.stand, name="stand"),
    path("saved/<int:pk>/stop", saved.stop, name="stop-standing"),
    path("saved/<int:pk>/retry", saved.retry, name="retry-standing"),
    path("notifications", notifications.notifications, name="notifications"),
    path("notifications/bell", notifications.bell, name="bell"),
    path("notifications/read", notifications.read, name="read-notifications"),
    path("cases", cases.cases, name="cases"),
    path("cases/<int:pk>", cases.case, name="case"),
    path("cases/<int:pk>/delete", cases.delete, name="delete-case"),
    path("cases/<int:pk>/evidence", evidence.of_case, name="case-evidence"),
    path("recordings/<int:pk>/collect", cases.collect, name="collect"),
    path("recordings/<int:pk>/evidence", evidence.of_moment, name="moment-evidence"),
    path("moments/<int:pk>", cases.moment, name="case-moment"),
    path("bookmarks/<int:pk>", cases.bookmark, name="bookmark"),
    path("evidence/<int:pk>", evidence.export, name="evidence"),
    path("evidence/<int:pk>/file", evidence.file, name="evidence-file"),
]
