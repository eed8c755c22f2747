"""A day at a small company whose every secret and every customer bears an unmistakable name, in a process of its own.

Run by test_canaries.py: what each door and each table said is written to stdout as JSON, log lines go to stderr.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, select, text
from sqlalchemy.orm import Session

from crm import logs
from crm.admin.paths import identity
from crm.api.resources import address
from crm.backup import make as backups
from crm.backup.archive import verify
from crm.commands import doctor
from crm.entity import entity_of, name_of
from crm.fields import models
from crm.jobs import enqueue
from crm.models import Contact, EmailMessage, Job, JobEvent, User
from crm.services import passwords, records, users
from crm.settings import Settings
from crm.workers.execution import execute
from crm.workers.heartbeat import Heartbeat
from crm.workers.registry import Permanent, job
from seeds import initial
from tests import factories
from tests.clients import Caller, World, started

PASSWORD, TYPED, NEXT = "canary-password-7291", "canary-typed-5513", "canary-next-8846"
#: nobody may ever read these
SECRETS = {
    "jwt_secret": "canary-signing-key-of-32-bytes-0001",
    "jwt_secret_previous": "canary-signing-key-of-32-bytes-0002",
    "smtp_password": "canary-smtp-3367",
    "redis": "canary-redis-4402",
    "database": "canary-database-9127",
    "password": PASSWORD,
    "typed": TYPED,
    "next": NEXT,
}
#: in their place these may be read; in a log or in what is told of an error they may not
PEOPLE = {"name": "Zwitscher Kanarie", "email": "kanarie@zwitscher.example", "phone": "+8613912345678"}


class Day:
    """What happens, and what was `said` at which place; `found` are secrets that were made on the way."""

    def __init__(self, world: World) -> None:
        self.world, self.said, self.found = world, dict[str, str](), dict[str, str]()
        self.database, self.settings = world.database, world.settings

    def keep(self, place: str, said: Any) -> None:
        self.said[place] = self.said.get(place, "") + "\n" + (said if isinstance(said, str) else said.text)

    def live(self) -> None:
        initial.load(self.database, self.settings)
        hashed = passwords.hash_password(PASSWORD, 4)
        with self.world.session() as session:
            users.add(session, username="boss", email="boss@crm.example", password_hash=hashed, roles=["admin"])
            factories.make(Contact, session, **PEOPLE)
            self.contact = session.scalars(select(Contact.id).where(Contact.email == PEOPLE["email"])).one()
        self.found["hash"] = hashed
        self.sign_in()
        self.visit()
        self.fail()
        self.work()
        self.look_around()

    # ------------------------------------------------------------------ doors

    def sign_in(self) -> None:
        """At both doors, with right and wrong words; and by a mailed token."""
        client, anybody = self.world.client, Caller(self.world.client, "", 0)
        self.keep("error wrong password", anybody.post("/auth/login", {"username": "boss", "password": TYPED}))
        told = anybody.post("/auth/login", {"username": "boss", "password": PASSWORD}).json()["data"]
        self.found |= {"access": told["accessToken"], "refresh": told["refreshToken"]}
        self.boss = Caller(client, told["accessToken"], told["user"]["id"])
        renewed = anybody.post("/auth/refresh", {"refreshToken": told["refreshToken"]}).json()["data"]
        self.found["refresh again"] = renewed["refreshToken"]
        self.keep("error refresh", anybody.post("/auth/refresh", {"refreshToken": told["accessToken"]}))
        self.keep("error own password", self.boss.put("/auth/password", {"oldPassword": TYPED, "newPassword": "x"}))
        self.found["session"] = self._visit_panel(PASSWORD)
        self.reset()

    def _visit_panel(self, password: str) -> str:
        """The cookie of a session."""
        client = self.world.client
        token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/admin/login").text)
        assert token is not None
        form = {"csrf_token": token[1], "username": "boss", "password": password}
        client.post("/admin/login", data=form, headers={"origin": "http://testserver"}, follow_redirects=False)
        return str(client.cookies["crm_session"])

    def reset(self) -> None:
        anybody = Caller(self.world.client, "", 0)
        anybody.post("/auth/forgot-password", {"email": "boss@crm.example"})
        with self.world.session() as session:
            mail = session.scalars(select(EmailMessage).where(EmailMessage.to_address == "boss@crm.example")).one()
            self.found["reset"] = re.findall(r"reset-password#(\S+)", mail.text_body)[0]
        answer = anybody.post("/auth/reset-password", {"token": self.found["reset"], "password": NEXT})
        assert answer.status_code == 200, answer.text
        told = anybody.post("/auth/login", {"username": "boss", "password": NEXT}).json()["data"]
        self.boss = Caller(self.world.client, told["accessToken"], told["user"]["id"])
        with self.world.session() as session:
            user = session.get(User, told["user"]["id"])
            assert user is not None
            self.found |= {"access again": told["accessToken"], "hash again": str(user.password_hash)}

    def visit(self) -> None:
        """Every list, form, page and export of both doors."""
        client = self.world.client
        self.found["session again"] = self._visit_panel(NEXT)
        for model in models():
            here, key = f"/admin/{identity(model)}", self._key(model)
            for path in ("list", "export/csv", *((f"details/{key}", f"edit/{key}") if key else ())):
                self.keep(f"page {name_of(model)}", client.get(f"{here}/{path}"))
            if entity_of(model).api:
                self.keep(f"api {name_of(model)}", self.boss.get(address(model)))
        for path in ("/", "/jobs", "/outbox", "/inbox", "/search?q=Zwitscher", "/password", "/preferences"):
            self.keep(f"page {path}", client.get(f"/admin{path}"))
        for path in ("/search?q=Zwitscher", "/health", "/ready", "/openapi.json", "/auth/me"):
            self.keep(f"api {path}", self.boss.get(path))

    def _key(self, model: type[Any]) -> int:
        with self.world.session() as session:
            return session.scalar(select(model.id).order_by(model.id.desc()).limit(1)) or 0

    def fail(self) -> None:
        """What people typed is refused, is not there, or meets a fault of ours."""
        boss = self.boss
        self.keep("error not found", boss.get(f"/contacts/{PEOPLE['email']}"))
        self.keep("error parameter", boss.get("/contacts?fields=nothing"))
        self.keep("error path", boss.get(f"/{PEOPLE['name']}"))
        self.keep("error panel path", self.world.client.get(f"/admin/{PEOPLE['email']}/list"))
        for trouble in (self._broken, self._refused):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(records, "create", trouble)
                answer = boss.post("/contacts", PEOPLE)
                assert answer.status_code == 500, answer.text
                self.keep("error 500 api", answer)
                data = {"csrf_token": self._token(), "subject": PEOPLE["name"], "kind": "note"}
                path = f"/admin/contact/timeline/{self.contact}"
                page = self.world.client.post(path, data=data, headers={"origin": "http://testserver"})
                assert page.status_code == 500, page.text
                self.keep("error 500 panel", page)

    def _token(self) -> str:
        page = self.world.client.get("/admin/").text
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert found is not None, page[-500:]
        return found[1]

    def _broken(self, _session: Session, *_: Any, **__: Any) -> None:
        raise RuntimeError(f"{PEOPLE['name']}: {self.settings.database_url} {self.settings.smtp_password}")

    def _refused(self, session: Session, *_: Any, **__: Any) -> None:
        values = {"name": PEOPLE["name"], "description": PASSWORD}
        session.connection().execute(text("INSERT INTO role (name, description) VALUES (:name, :description)"), values)

    # ------------------------------------------------------------------ jobs

    def work(self) -> None:
        """Jobs that succeed, fail and die of errors that quote everything; and a mail that cannot be sent."""
        sandbox = self.settings
        heartbeat = Heartbeat(self.database, "worker")

        @job("canary.sing")
        def sing(_session: Session, *, how: str) -> None:
            said = f"{sandbox.redis_url} {sandbox.database_url} {sandbox.smtp_password} {sandbox.jwt_secret}"
            if how == "well":
                return
            raise (Permanent if how == "last" else RuntimeError)(said.replace("%", ""))

        with self.world.session() as session:
            for how in ("well", "badly", "last"):
                enqueue(session, "canary.sing", key=f"canary.{how}", how=how)
            contact = session.get(Contact, self.contact)
            assert contact is not None
        mail = {"recordType": "contact", "recordId": self.contact, "contactIds": [self.contact]}
        self.boss.post("/emails", {**mail, "subject": "Hello", "text": "Hello {{ contact.name }}"})
        with self.world.session() as session:
            waiting = list(session.scalars(select(Job.id).order_by(Job.id)))
        for number in waiting:
            with self.database.engine().begin() as connection:
                connection.execute(text("UPDATE job SET status = 'dispatched' WHERE id = :id"), {"id": number})
            execute(self.database, self.settings, heartbeat, number, worker="test")

    # ------------------------------------------------------------------ afterwards

    def look_around(self) -> None:
        """The tables of jobs and audit, the screens once more, a backup's manifest, the doctor."""
        self.visit()
        with self.world.session() as session:
            for row in session.scalars(select(Job)):
                self.keep("job", f"{row.kind} {row.status} {row.payload} {row.last_error}")
            for event in session.scalars(select(JobEvent)):
                self.keep("job event", f"{event.__dict__}")
        with self.database.engine().connect() as connection:
            for entry in connection.execute(text("SELECT * FROM audit_entry")):
                self.keep("audit", repr(tuple(entry)))
        archive = self.settings.data_dir / "backup.tar.gz"
        backups.make_file(self.settings, archive)
        self.keep("manifest", repr(verify(archive)))
        self.keep("doctor", repr(doctor.examine(self.settings)))
        self.keep("settings", repr(self.settings))


def main(url: str, folder: str, log_format: str) -> None:
    if not url.startswith("sqlite"):
        url = make_url(url).set(password=SECRETS["database"]).render_as_string(hide_password=False)
    settings = Settings(
        _env_file=None,
        env="test",
        data_dir=Path(folder),
        database_url=url,
        redis_url=f"redis://:{SECRETS['redis']}@127.0.0.1:1/0",
        jwt_secret=SECRETS["jwt_secret"],
        jwt_secret_previous=SECRETS["jwt_secret_previous"],
        smtp_host="127.0.0.1",
        smtp_port=1,
        smtp_user="crm",
        smtp_password=SECRETS["smtp_password"],
        bcrypt_cost=4,
        log_format=log_format,
        log_level="debug",
    )
    logs.configure(settings)
    with started(url, settings) as world:
        day = Day(world)
        day.live()
    secrets = {**SECRETS, **day.found}
    json.dump({"said": day.said, "secrets": secrets, "people": PEOPLE}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
