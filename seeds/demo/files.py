"""A few files on demo customers: minutes of a meeting, a price list, a picture, stored like any upload."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.files.storage import Storage
from crm.files.uploads import Upload
from crm.models.customer import Customer
from crm.services import attachments
from crm.services.attachments import Place

_CUSTOMERS = 6
_MINUTES = "会议纪要\n\n1. 报价有效期 30 天\n2. 交付周期四周\n3. 下周确认合同条款\n"
_PRICES = "item,unit price,currency\nLicence,480.00,USD\nSupport per year,9600.00,USD\nTraining per day,1200.00,USD\n"


def load_files(session: Session, storage: Storage) -> None:
    """One file for each of the newest customers, which their owners have uploaded."""
    samples = _samples()
    for place, customer in enumerate(session.scalars(select(Customer).order_by(Customer.id.desc()).limit(_CUSTOMERS))):
        name, media_type, data = samples[place % len(samples)]
        upload = Upload(name, storage.put(data), media_type, len(data))
        made = attachments.keep(session, upload, Place("customer", customer.id))
        made.owner_id, made.team_id, made.created_by = customer.owner_id, customer.team_id, customer.owner_id
    session.flush()


def _samples() -> list[tuple[str, str, bytes]]:
    return [
        ("会议纪要.txt", "text/plain", _MINUTES.encode()),
        ("Price list.csv", "text/csv", _PRICES.encode()),
        ("Site plan.png", "image/png", _plan()),
    ]


def _plan() -> bytes:
    """A ground plan of three rooms."""
    picture = Image.new("RGB", (800, 560), "#f6f7f9")
    pen = ImageDraw.Draw(picture)
    for room in ((60, 60, 420, 500), (420, 60, 740, 260), (420, 260, 740, 500)):
        pen.rectangle(room, fill="#ffffff", outline="#454c59", width=6)
    made = io.BytesIO()
    picture.save(made, "PNG", optimize=True)
    return made.getvalue()
