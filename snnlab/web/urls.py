"""Addresses of the site's own pages."""

from django.contrib.auth.views import LogoutView
from django.urls import path, re_path

from snnlab.web import (
    chip_points,
    chips,
    queue,
    run_panels,
    schedules,
    shares,
    standing,
    sweep_new,
    sweeps,
    tokens,
    views,
)
from snnlab.web.join import invite, join, key, revoke_key
from snnlab.web.new import new, preview
from snnlab.web.sign_in import SignIn, welcome
from snnlab.web.store import door, file
from snnlab.web.urls_runs import urlpatterns as of_runs
from snnlab.web.urls_teams import urlpatterns as of_teams


app_name = "web"
urlpatterns = [
    *of_teams,
    *of_runs,
    path("", views.home, name="home"),
    path("sign-in/", SignIn.as_view(), name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("welcome/<str:token>/", welcome, name="welcome"),
    path("experiments/", views.experiments, name="experiments"),
    path("experiments/new/", new, name="new"),
    path("experiments/new/preview", preview, name="preview"),
    path("experiments/new/chip", chips.check, name="check-chip"),
    path("chips/", chips.chips, name="chips"),
    path("chips/<slug:name>/", chips.chip, name="chip"),
    path("experiments/<int:pk>/", views.experiment, name="experiment"),
    path("runs/<int:pk>/", views.run, name="run"),
    path("runs/<int:pk>/live", views.live, name="live"),
    path("runs/<int:pk>/layers", run_panels.layers, name="run-layers"),
    path("runs/<int:pk>/panel/<slug:name>", run_panels.panel, name="run-panel"),
    path("runs/<int:pk>/definition.toml", run_panels.definition, name="run-definition"),
    path("runs/<int:pk>/log", run_panels.log, name="run-log"),
    path("runs/<int:pk>/portrait.json", run_panels.portrait, name="run-portrait"),
    path("runs/<int:pk>/checkpoints/<int:step>", run_panels.checkpoint, name="run-checkpoint"),
    path("runs/<int:pk>/cancel", views.cancel, name="cancel"),
    path("runs/<int:pk>/retry", views.retry, name="retry"),
    path("runs/<int:pk>/hold", queue.hold, name="hold"),
    path("runs/<int:pk>/release", queue.release, name="release"),
    path("runs/<int:pk>/move", queue.move, name="move"),
    path("runs/<int:pk>/priority", queue.prioritise, name="priority"),
    path("sweeps/", sweeps.sweeps, name="sweeps"),
    path("sweeps/new/", sweep_new.new, name="sweep-new"),
    path("sweeps/new/preview", sweep_new.preview, name="sweep-preview"),
    path("sweeps/new/chip", chip_points.check, name="sweep-check-chip"),
    path("sweeps/<int:pk>/", sweeps.sweep, name="sweep"),
    path("sweeps/<int:pk>/live", sweeps.live, name="sweep-live"),
    path("sweeps/<int:pk>/cancel", sweeps.cancel, name="sweep-cancel"),
    path("sweeps/<int:pk>/resume", sweeps.resume, name="sweep-resume"),
    path("sweeps/<int:pk>/rerun-failed", sweeps.rerun, name="sweep-rerun"),
    path("sweeps/<int:pk>/add-seeds", sweeps.add_seeds, name="sweep-seeds"),
    path("sweeps/<int:pk>/extend", sweeps.extend, name="sweep-extend"),
    path("schedules/", schedules.schedules, name="schedules"),
    path("schedules/<int:pk>/pause", schedules.pause, name="schedule-pause"),
    path("schedules/<int:pk>/resume", schedules.resume, name="schedule-resume"),
    path("schedules/<int:pk>/delete", schedules.delete, name="schedule-delete"),
    path("queue/", queue.queue, name="queue"),
    path("queue/live", queue.queue_live, name="queue-live"),
    path("workers/", queue.workers, name="workers"),
    path("workers/live", queue.workers_live, name="workers-live"),
    path("workers/invite", invite, name="invite"),
    path("join/<str:token>/", join, name="join"),
    path("join/<str:token>/key", key, name="join-key"),
    path("workers/keys/<int:pk>/revoke", revoke_key, name="revoke-key"),
    path("store/", door, name="store"),
    re_path("^store/(?P<sha256>[0-9a-f]{64})$", file, name="file"),
    path("workers/<str:name>/drain", queue.drain, name="drain"),
    path("workers/<str:name>/trust", queue.trust, name="trust"),
    path("boards/<slug:board>/rows/<int:pk>/judge", standing.judge, name="judge"),
    path("boards/<slug:board>/snapshots/take", standing.snapshot, name="take-snapshot"),
    path("shares/", shares.shares, name="shares"),
    path("shares/<int:pk>/revoke", shares.revoke, name="share-revoke"),
    path("shares/<int:pk>/reissue", shares.reissue, name="share-reissue"),
    path("shares/<int:pk>/publish", shares.publish, name="share-publish"),
    path("runs/<int:pk>/share", shares.share_run, name="share-run"),
    path("gallery/", shares.gallery, name="gallery"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<int:pk>/revoke", tokens.revoke, name="revoke-token"),
    path("healthz", views.healthz, name="healthz"),
]
