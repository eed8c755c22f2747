"""A few files on demo customers and deals: minutes of a meeting, a price list, a picture, an offer; like any upload."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.files.storage import Storage
from crm.files.uploads import Upload
from crm.models.customer import Customer
from crm.models.opportunity import Opportunity
from crm.services import attachments
from crm.services.attachments import Place

_CUSTOMERS, _DEALS = 6, 3
_MINUTES = "会议纪要\n\n1. 报价有效期 30 天\n2. 交付周期四周\n3. 下周确认合同条款\n"
_PRICES = "item,unit price,currency\nLicence,480.00,USD\nSupport per year,9600.00,USD\nTraining per day,1200.00,USD\n"


def load_files(session: Session, storage: Storage) -> None:
    """One file for each of the newest customers and open deals, which their owners have uploaded."""
    samples = _samples()
    for place, customer in enumerate(session.scalars(select(Customer).order_by(Customer.id.desc()).limit(_CUSTOMERS))):
        _put(session, storage, customer, samples[place % len(samples)])
    running = select(Opportunity).where(Opportunity.closed_at.is_(None)).order_by(Opportunity.id.desc())
    for deal in session.scalars(running.limit(_DEALS)):
        _put(session, storage, deal, ("Offer.pdf", "application/pdf", _offer(deal)))
    session.flush()


def _put(session: Session, storage: Storage, record: Customer | Opportunity, sample: tuple[str, str, bytes]) -> None:
    name, media_type, data = sample
    upload = Upload(name, storage.put(data), media_type, len(data))
    made = attachments.keep(session, upload, Place(record.__tablename__, record.id))
    made.owner_id, made.team_id, made.created_by = record.owner_id, record.team_id, record.owner_id


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


def _offer(deal: Opportunity) -> bytes:
    """One page; without its date, so that the same deal gives the same bytes."""
    page = Image.new("RGB", (595, 842), "#ffffff")
    pen = ImageDraw.Draw(page)
    pen.text((60, 60), "OFFER", fill="#1b2029", font_size=30)
    pen.line((60, 104, 535, 104), fill="#d5d9e0", width=2)
    worth = f"{deal.amount:,.2f} {deal.currency}" if deal.amount is not None else "to be agreed"
    for place, line in enumerate((f"Number: {deal.id}", f"Amount: {worth}", "Valid for 30 days")):
        pen.text((60, 130 + 30 * place), line, fill="#454c59", font_size=18)
    made = io.BytesIO()
    page.save(made, "PDF", creationDate=None, modDate=None)
    return made.getvalue()
