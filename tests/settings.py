"""The product's settings with a data folder, databases and Redis numbers of the tests' own, one set for each xdist worker."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
os.environ["INTERMISSION_TESTING"] = "1"
os.environ.setdefault("INTERMISSION_VAR", str(ROOT / "var" / "test"))
os.environ["REDIS_DB_BASE"] = str(3 * WORKER)
for variable in ("OPENAI_API_KEY", "INSIGHTS_LLM_BASE_URL"):
    os.environ.pop(variable, None)

from adplatform.settings import *  # noqa: E402, F403
from adplatform.settings import VAR_DIR  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
MEDIA_ROOT = VAR_DIR / "media"
MODELS_DIR = VAR_DIR / f"models-{WORKER}"
DASK_DIR = VAR_DIR / f"dask-{WORKER}"
ARCHIVE_DIR = VAR_DIR / f"archive-{WORKER}"
# Chance draws only in the tests that ask for it.
DIRECTOR_EXPLORATION = 0.0
# Sockets read the database in threads that outlive the test; a kept connection would block the test database's removal.
for _database in DATABASES.values():  # noqa: F405
    _database["CONN_MAX_AGE"] = 0
# The same on every machine: what chance draws, and with it what a test meets, follows from it.
SECRET_KEY = "the tests draw the same on every machine"
