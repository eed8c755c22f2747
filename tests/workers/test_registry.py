"""Every name a service asks for is a declared job, and what it sends along fits the handler."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

import crm
import crm.workers.jobs
from crm.actor import system
from crm.db import Database
from crm.jobs import PAYLOAD_LIMIT, QUEUES, enqueue
from crm.models.job import JobEffect
from crm.services.schedules import SCHEDULABLE
from crm.workers.registry import KINDS, job

ROOT = Path(crm.__file__).parent
#: keywords of `enqueue` that are not sent along
OWN = {"key", "run_at", "queue", "priority", "effect", "attempts", "principal_id", None}


def asked() -> Iterator[tuple[str, ast.Call]]:
    """Each call `enqueue(session, "noun.verb", …)` in the program: where, and the call."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _asks_by_name(node):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def _asks_by_name(call: ast.Call) -> bool:
    named = len(call.args) == 2 and isinstance(call.args[1], ast.Constant)
    return named and ast.unparse(call.func).endswith("enqueue")


def test_something_is_asked_for() -> None:
    assert {call.args[1].value for _, call in asked()} >= {"email.send", "reminder.tell"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(("where", "call"), list(asked()), ids=[where for where, _ in asked()])
def test_what_is_asked_for_is_declared_and_fits(where: str, call: ast.Call) -> None:
    name = ast.literal_eval(call.args[1])
    assert name in KINDS, f"{where}: nothing runs '{name}'"
    sent = {keyword.arg for keyword in call.keywords} - OWN
    fields = KINDS[name].arguments.model_fields
    needed = {field for field, info in fields.items() if info.is_required()}
    assert needed <= sent <= set(fields), f"{where}: '{name}' takes {sorted(fields)}"


def test_what_may_be_scheduled_is_declared_with_the_same_queue() -> None:
    for name, known in SCHEDULABLE.items():
        kind = KINDS[name]
        assert (known.queue, known.attempts) == (kind.queue, kind.attempts)
        assert "fire" in kind.arguments.model_fields


@pytest.mark.parametrize(("where", "call"), list(asked()), ids=[where for where, _ in asked()])
def test_what_is_asked_for_has_the_queue_and_the_budget_that_are_declared(where: str, call: ast.Call) -> None:
    kind, sent = KINDS[ast.literal_eval(call.args[1])], {keyword.arg: keyword.value for keyword in call.keywords}
    if None in sent:
        return  # mail and schedules hand theirs on; the next two tests look at them
    queue = ast.literal_eval(sent["queue"]) if "queue" in sent else "default"
    attempts = ast.literal_eval(sent["attempts"]) if "attempts" in sent else 10
    assert (queue, attempts) == (kind.queue, kind.attempts), where
    assert kind.effect is JobEffect.IDEMPOTENT or "effect" in sent, where


def test_mail_is_asked_for_as_it_is_declared() -> None:
    kind = KINDS["email.send"]
    assert (kind.queue, kind.attempts, kind.effect) == ("mail", 20, JobEffect.AT_MOST_ONCE)


def test_every_queue_has_threads_of_its_own() -> None:
    from crm.workers.main import THREADS

    assert sorted(THREADS) == sorted(QUEUES)
    assert min(THREADS.values()) >= 1


def test_a_name_is_declared_once_and_its_queue_must_exist() -> None:
    def handler(session: Session) -> None: ...

    with pytest.raises(ValueError, match="declared twice"):
        job("email.send")(handler)
    with pytest.raises(ValueError, match="no queue 'fast'"):
        job("test.fast", queue="fast")


def test_long_arguments_are_refused_where_they_are_asked_for(database: Database) -> None:
    with database.transaction(system("test")) as session, pytest.raises(ValueError, match="arguments are longer"):
        enqueue(session, "test.nothing", key="long", text="x" * PAYLOAD_LIMIT)
