"""Makes every connection of the program refuse to let its database grow beyond `MAX_PAGES` pages: put it on PYTHONPATH."""

from __future__ import annotations

import os

from espomail.store import db as store

if os.environ.get("MAX_PAGES"):
    connect = store._connect

    def narrow(path):
        db = connect(path)
        db.execute(f"pragma max_page_count={int(os.environ['MAX_PAGES'])}")
        return db

    store._connect = narrow
