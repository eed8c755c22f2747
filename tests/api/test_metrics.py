"""`/metrics` tells Prometheus how late the jobs are; nobody else, and nobody's name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from crm.actor import system
from crm.app import make_app
from crm.columns import now
from crm.db import Database
from crm.models.job import Job, JobStatus
from crm.settings import Settings

HERE = ("127.0.0.1", 50000)


def app_of(database: Database, settings: Settings) -> Any:
    return make_app(Database(database.url.render_as_string(hide_password=False)), settings)


def put_jobs(database: Database) -> None:
    """One that has been due for two minutes, and one that is dead."""
    with database.transaction(system("test")) as session:
        due = now() - timedelta(minutes=2)
        waits = {"to": "li@example.com"}
        session.add(Job(kind="mail.send", queue="mail", dedupe_key="a", payload=waits, run_at=due))
        session.add(Job(kind="mail.send", queue="mail", dedupe_key="b", run_at=due, status=JobStatus.DEAD))


def figures_of(text: str) -> dict[tuple[str, ...], float]:
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


def test_this_machine_reads_how_late_the_jobs_are(database: Database, settings: Settings) -> None:
    put_jobs(database)
    with TestClient(app_of(database, settings), client=HERE) as client:
        answer = client.get("/metrics")
    assert answer.status_code == 200
    assert "li@example.com" not in answer.text
    told = figures_of(answer.text)
    assert 120 <= told["crm_jobs_oldest_due_age_seconds",] < 180
    assert told["crm_jobs_attention", "dead"] == 1
    assert told["crm_jobs_attention", "late"] == 1
    assert told["crm_queue_jobs", "mail", "waiting"] == 1


def test_others_read_nothing(database: Database, settings: Settings) -> None:
    with TestClient(app_of(database, settings), client=("192.0.2.7", 50000)) as stranger:
        assert stranger.get("/metrics").status_code == 404
    with TestClient(app_of(database, settings), client=HERE) as proxy:
        assert proxy.get("/metrics", headers={"x-forwarded-for": "192.0.2.7"}).status_code == 404


def test_with_a_token_only_its_bearer_reads(database: Database, settings: Settings) -> None:
    chosen = settings.model_copy(update={"metrics_token": "a-token-of-some-length"})
    with TestClient(app_of(database, chosen), client=HERE) as client:
        assert client.get("/metrics").status_code == 404
        assert client.get("/metrics", headers={"authorization": "Bearer other"}).status_code == 404
        asked = client.get("/metrics", headers={"authorization": "Bearer a-token-of-some-length"})
        assert asked.status_code == 200
