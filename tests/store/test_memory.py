"""What a connection that lives for days keeps of what it has read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

READER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from espomail.store import db as store

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

path, now = Path(sys.argv[1]), datetime.now(UTC)
db = store.create_db(path, now=now)
with store.transaction(db):
    db.execute("create table pages (content blob)")
    db.executemany("insert into pages values (randomblob(1000))", [()] * 40_000)
db.close()
kept, sizes = [], []
for _ in range(4):
    kept.append(store.open_db(path, now=now))
    kept[-1].execute("select sum(length(hex(content))) from pages").fetchone()
    store.give_memory_back(kept[-1])
    sizes.append(resident_mb())
print(sizes[-1] - sizes[0])
"""


def test_connections_that_have_read_much_keep_nothing_of_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", READER, str(tmp_path / "big.db")], capture_output=True, text=True, check=True, timeout=60
    )
    assert float(done.stdout) < 15
