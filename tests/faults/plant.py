"""Plant each fault of `plants/` in a copy of the program, run the ordinary tests on it, and print which went red.

    python -m tests.faults.plant [NAME …]
    python -m tests.faults.plant --fit

A patch says in its first line what it breaks. The exit code is 1 when a fault went unseen, or no longer fits the program; `--fit`
asks for the latter alone, at once.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLANTS = Path(__file__).parent / "plants"
# Which part of the suite is asked; none of it knows the plants. The first red test ends a run.
ASKED = {
    "auto-reply-sent-again": ("tests/test_answers.py",),
    "answer-machines": ("tests/test_answers.py", "tests/rules"),
    "no-escaping": ("tests/cli/test_output.py", "tests/cli/test_emails.py"),
    "access-after-write": ("tests/faults/test_refusals.py",),
    "case-number-from-anybody": ("tests/test_main_job.py",),
    "same-message-id-is-same-mail": ("tests/faults/test_identity.py",),
    "half-a-mail-stays": ("tests/faults/test_poison.py",),
    "turn-forgotten": ("tests/test_main_job.py",),
    "unseen-as-cursor": ("tests/faults/test_holes.py",),
    "no-marker": ("tests/faults/test_poison.py",),
    "swallowed-exception": ("tests/faults/test_poison.py",),
    "newer-schema-opened": ("tests/faults/test_storage.py", "tests/cli/test_upkeep.py"),
    "disk-full-is-bad-mail": ("tests/faults/test_full_disk.py",),
    "no-uidvalidity-check": ("tests/test_main_job.py",),
    "act-without-uidvalidity-check": ("tests/faults/test_epochs.py",),
    "cursor-before-mail": ("tests/faults/test_commits.py",),
    "random-ids": ("tests/mail/test_identity.py", "tests/faults/test_epochs.py"),
    "cursor-past-missing-mail": ("tests/faults/test_holes.py",),
}
OTHERS = ("tests/faults/test_kill.py", "tests/faults/test_storage.py", "tests/rounds")


def fits(patch: Path) -> bool:
    """Whether the program still has the lines that the patch changes."""
    head, *hunks = patch.read_text().split("\n@@ ")
    file = next(line[6:] for line in head.splitlines() if line.startswith("+++ b/"))
    program = (ROOT / file).read_text()
    return all(_before(hunk) in program for hunk in hunks)


def _before(hunk: str) -> str:
    """The lines of a hunk as they stand in the program."""
    return "\n".join(line[1:] for line in hunk.splitlines()[1:] if line[:1] in (" ", "-"))


def red_under(patch: Path) -> list[str] | None:
    """The tests that failed with the patch applied to a copy; None when it does not fit the program any more."""
    with tempfile.TemporaryDirectory(prefix="plant") as folder:
        copy = Path(folder) / "copy"
        for part in ("espomail", "tests"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        for file in ("pyproject.toml", "Makefile", "README.md"):
            shutil.copy(ROOT / file, copy / file)
        fitted = subprocess.run(["patch", "--quiet", "--forward", "-p1", "-d", str(copy), "-i", str(patch)], check=False)
        if fitted.returncode:
            return None
        command = [sys.executable, "-m", "pytest", "-x", "-p", "no:xdist", *ASKED.get(patch.stem, OTHERS)]
        environment = {"PYTHONPATH": str(copy), "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    red = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("FAILED ")]
    if done.returncode != (1 if red else 0) and not (red and done.returncode == 2):
        raise SystemExit(f"pytest could not run: {done.stdout}{done.stderr}")
    return red


def main(names: list[str]) -> None:
    """Print a line per plant; exit 1 when one went unseen."""
    if names == ["--fit"]:
        astray = [patch.stem for patch in sorted(PLANTS.glob("*.patch")) if not fits(patch)]
        raise SystemExit(f"planted faults that fit no more: {', '.join(astray)}" if astray else 0)
    chosen = [patch for patch in sorted(PLANTS.glob("*.patch")) if not names or patch.stem in names]
    unseen = 0
    for patch in chosen:
        red = red_under(patch)
        unseen += not red
        word = "NO FIT" if red is None else "red   " if red else "UNSEEN"
        print(f"{word} {patch.stem}: {patch.read_text().splitlines()[0]}\n         {red[0] if red else '-'}", flush=True)
    print(f"{len(chosen) - unseen} of {len(chosen)} planted faults turned the tests red")
    raise SystemExit(1 if unseen else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
