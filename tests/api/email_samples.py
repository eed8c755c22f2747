"""What the tests of emails and of emails_refused share."""

from __future__ import annotations

from typing import Any


def mail(deal: dict[str, int], **changes: Any) -> dict[str, Any]:
    body = {"recordType": "opportunity", "recordId": deal["opportunity"], "contactIds": [deal["bo"]]}
    return {**body, "subject": "Offer", "text": "Dear Bo", **changes}
