"""The round's side of the processing child: start it when there is work, tell it of more, start it again when it dies."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from espomail.errors import Damaged, EspomailError, NotSetUp, TryAgain
from espomail.rounds import worker
from espomail.store.db import open_db

_ERRORS: dict[int, type[EspomailError]] = {74: Damaged, 75: TryAgain, 78: NotSetUp}
DEATHS_MAX = 50


class Child:
    """One processing child at a time; `poke` may be called by any thread, `finish` once by the round."""

    def __init__(
        self, database: Path, *, now: Callable[[], datetime], done: Callable[[int], None] = lambda count: None
    ) -> None:
        self._database = database
        self._now = now
        self._done = done
        self._guard = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def poke(self) -> None:
        """More mail was taken in: wake the child, or start it."""
        with self._guard:
            if self._process is None or self._process.poll() is not None:
                self._start()
            self._write("\n")

    def finish(self) -> None:
        """Wait until everything that waits is processed; raise what kept the child from it (TryAgain, Damaged …)."""
        with self._guard:
            if self._process is None:
                return
            for _ in range(DEATHS_MAX):
                code, words = self._end()
                if code == 0:
                    return
                if code > 0:
                    raise _as_error(code, words)
                self._note_death(signal.Signals(-code).name)
                self._start()
            raise EspomailError(f"processing died {DEATHS_MAX} times in one round", "run: espomail doctor")

    def _start(self) -> None:
        # -P: else Python looks for modules in the current folder first, which through sudo is one of the caller's
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", worker.__name__, str(self._database)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip().isdigit():
                self._done(int(line))

    def _write(self, text: str) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(text)
            self._process.stdin.flush()
        except BrokenPipeError:
            return  # it died: finish() sees why, and starts it again

    def _end(self) -> tuple[int, str]:
        """Tell the child that no more comes; return its exit code (negative: the signal) and its last words."""
        process = self._process
        assert process is not None and process.stdin is not None and process.stderr is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        words = process.stderr.read()
        code = process.wait()
        if self._reader is not None:
            self._reader.join()
        return code, words

    def _note_death(self, how: str) -> None:
        with contextlib.closing(open_db(self._database, now=self._now())) as db:
            worker.note_death(db, how=how, now=self._now())


def _as_error(code: int, words: str) -> EspomailError:
    """The child's last line as the error it was; anything else is a bug, with its traceback's last line."""
    lines = words.strip().splitlines() or ["no words"]
    try:
        said = json.loads(lines[-1])
        return _ERRORS.get(code, EspomailError)(said["message"], said["hint"])
    except (ValueError, KeyError, TypeError):
        return EspomailError(f"processing failed: {lines[-1]}", "run: espomail doctor")
