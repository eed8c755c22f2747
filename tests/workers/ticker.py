"""A scheduler that only ticks, as fast as it can, until it is killed: `python -m tests.workers.ticker URL`."""

from __future__ import annotations

import sys
import time

from crm import services
from crm.db import Database
from crm.workers import clock

__all__ = ["services"]

if __name__ == "__main__":
    database = Database(sys.argv[1], pool_size=1)
    while True:
        clock.ask_for_fires(database, zone="UTC")
        time.sleep(0.05)
