"""A process that forks uploaders and kills them: `python -m tests.files.uploader DATABASE_URL FOLDER ROUNDS`.

Each child stores contents and their rows as fast as it can, until it is killed in the middle of whatever it does.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

from crm.actor import system
from crm.db import Database
from crm.files.storage import Storage
from crm.files.uploads import Upload
from crm.services import attachments
from crm.services.attachments import Place


def main(url: str, folder: str, rounds: str) -> None:
    dice = random.Random(4711)
    for number in range(int(rounds)):
        heard, told = os.pipe()
        child = os.fork()
        if child == 0:
            _upload_for_ever(url, Path(folder), number, told)
        os.read(heard, 1)  # its first file is stored
        time.sleep(dice.uniform(0, 0.08))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _upload_for_ever(url: str, folder: Path, number: int, told: int) -> None:
    database, storage, count = Database(url), Storage(folder), 0
    while True:
        count += 1
        draft = storage.draft(2**20)
        draft.write(f"{number} {count % 7} ".encode() * 20_000)
        digest = storage.keep(draft)
        upload = Upload(f"{number}-{count}.txt", digest, "text/plain", draft.size)
        with database.transaction(system("test")) as session:
            attachments.keep(session, upload, Place())
        os.write(told, b".")


if __name__ == "__main__":
    main(*sys.argv[1:])
