"""Makes every connection of the program refuse to let its database grow beyond `MAX_PAGES` pages: put it on PYTHONPATH."""

from __future__ import annotations

import os

from espomail.store import db as store

if os.environ.get("MAX_PAGES"):
    pragmas = store._pragmas
    store._pragmas = lambda: (*pragmas(), f"pragma max_page_count={int(os.environ['MAX_PAGES'])}")
