"""What the payload of each kind of schedule holds, for forms: its fields by name, instead of JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from crm.i18n import lazy
from crm.services.backups import KEEP
from crm.services.pipeline_mail import REPORTS


@dataclass(frozen=True, slots=True)
class PayloadField:
    """One value of a payload: a `choice` of `options`, a whole `number`, or `users` by their numbers."""

    name: str
    label: str
    shape: Literal["choice", "number", "users"]
    options: tuple[str, ...] = ()
    default: int | None = None


#: kind of schedule → the fields of its payload
PAYLOADS: dict[str, tuple[PayloadField, ...]] = {
    "report.mail": (
        PayloadField("report", lazy("Report"), "choice", REPORTS),
        PayloadField("recipients", lazy("Recipients"), "users"),
    ),
    "backup.make": (PayloadField("keep", lazy("Backups that stay"), "number", default=KEEP),),
}
