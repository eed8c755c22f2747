"""The public data set that lies beside the project; the project keeps no copy of it."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "crm-dataset"
needed = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the public data set is not there: {FOLDER}")
