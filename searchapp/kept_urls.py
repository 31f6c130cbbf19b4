"""The addresses of what an account keeps: saved searches, notifications, cases and evidence."""

from django.urls import path

from searchapp.views import notifications, saved

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
]
