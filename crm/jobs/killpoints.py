"""Named steps in the life of a job at which a test can make its process end, as a power cut would."""

from __future__ import annotations

import os

VARIABLE = "CRM_KILL_AT"
#: tells a process that ended here from one that failed
EXIT_STATUS = 86

#: of whoever asks, of the relay, and of the worker, in the order in which a job comes by
STEPS = (
    "after_asking",
    "after_commit",
    "after_taking",
    "after_dispatch",
    "after_wake",
    "before_claim",
    "after_claim",
    "mid_work",
    "before_finish",
    "after_finish",
)
#: of mail, between `after_claim` and the end
MAIL_STEPS = ("after_rcpt", "after_sending", "after_data", "after_body", "after_250", "before_sent", "after_sent")


def reach(step: str) -> None:
    """The process is at `step`; it ends there at once if CRM_KILL_AT says so and ENV is `test`."""
    if os.environ.get(VARIABLE) == step and os.environ.get("ENV") == "test":
        os._exit(EXIT_STATUS)
