"""Who may send as what: every role with every kind of account, against an oracle; and a refusal's way out leads out."""

from __future__ import annotations

import re
import shlex
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.cli.test_send import do
from tests.conftest import Runner

SMTP = ("--smtp-host", "127.0.0.1", "--smtp-port", "2525", "--smtp-security", "none")
WRITES = "email.create=yes"
USERS = {
    "idler": (("inactive",), (WRITES, "group-email-account=all")),
    "reader": (("in desk",), ("email.read=all", "group-email-account=all")),
    "loner": (("in desk",), (WRITES, "group-email-account=no")),
    "agent": (("in desk",), (WRITES, "group-email-account=team")),
    "guest": (("in away",), (WRITES, "group-email-account=team")),
    "lead": ((), (WRITES, "group-email-account=all")),
    "boss": (("admin",), ()),
}
OWN = {"": "sends", "-off": "inactive", "-mute": "no SMTP", "-bare": "no account"}
GROUPS = {
    "shared": {"shared", "active", "smtp", "of desk"},
    "open": {"shared", "active", "smtp"},
    "private": {"active", "smtp", "of desk"},
    "off": {"shared", "smtp", "of desk"},
    "mute": {"shared", "active", "of desk"},
    "crm": {"active", "smtp"},
}
SYSTEM = {
    "no system address": (),
    "system address": ("--address", "crm@team.example"),
    "shared system address": ("--address", "crm@team.example", "--shared"),
    "shared system address with a server, and no account": (
        "--address", "machine@team.example", "--shared", "--server", "127.0.0.1:2525", "--smtp-security", "none",
    ),
}  # fmt: skip


def addresses(user: str, system: str) -> list[str]:
    """What a user might try: everything once; under the other settings their own, the groups' and the system's."""
    owners = USERS if system == "no system address" else (user,)
    own = [f"{owner}{ending}" for owner in owners for ending in OWN]
    return [f"{name}@team.example" for name in (*own, *GROUPS, "machine", "nobody")]


def expected(user: str, address: str, system: str) -> bool:
    """What SPEC says, in as few words as possible: written without a look at the rule."""
    facts, cells = USERS[user]
    name = address.removesuffix("@team.example")
    is_admin = "admin" in facts
    if "inactive" in facts or not (is_admin or WRITES in cells):
        return False
    if name == user:
        return True
    if name in GROUPS and GROUPS[name] >= {"shared", "active", "smtp"}:
        level = "all" if is_admin else cells[-1].partition("=")[2]
        if level == "all" or (level == "team" and "of desk" in GROUPS[name] and "in desk" in facts):
            return True
    return "--shared" in SYSTEM[system] and address in SYSTEM[system]


@pytest.fixture
def office(run: Runner) -> Runner:
    do(run, "settings", "set", "personal_accounts_max", "9")
    for team in ("desk", "away"):
        do(run, "team", "add", team)
    for user, (facts, cells) in USERS.items():
        do(run, "role", "add", f"{user}s", *(word for cell in cells or ("email.read=all",) for word in ("--set", cell)))
        teams = [word for fact in facts if fact.startswith("in ") for word in ("--team", fact[3:])]
        emails = [word for ending in OWN for word in ("--email", f"{user}{ending}@team.example")]
        do(run, "user", "add", user, "--role", f"{user}s", *teams, *emails, *(["--admin"] if "admin" in facts else []))
        for ending in ("", "-off", "-mute"):
            name, smtp = f"box-{user}{ending}", () if ending == "-mute" else SMTP
            do(run, "personal-account", "add", name, "--user", user, "--address", f"{user}{ending}@team.example", *smtp)
        do(run, "personal-account", "disable", f"box-{user}-off")
        if "inactive" in facts:
            do(run, "user", "disable", user)
    for name, facts_ in GROUPS.items():
        words = [*(SMTP if "smtp" in facts_ else ()), *(["--shared"] if "shared" in facts_ else [])]
        team = ["--team", "desk"] if "of desk" in facts_ else []
        do(run, "group-account", "add", name, "--address", f"{name}@team.example", *words, *team)
        if "active" not in facts_:
            do(run, "group-account", "disable", name)
    return run


@pytest.mark.parametrize("system", SYSTEM)
def test_who_may_send_as_what_is_what_the_oracle_says(office: Runner, system: str) -> None:
    if SYSTEM[system]:
        do(office, "settings", "outbound", *SYSTEM[system])
    wrong, counts = [], Counter[str]()
    for user in USERS:
        for address in addresses(user, system):
            may = expected(user, address, system)
            told = office("can-send", user, address, "--json")
            tried = office(
                "email", "send", "--as", user, "--from", address, "--to", "bob@client.example", "--body", "x", "--json"
            )
            allowed, fix = told.json["allowed"], told.json["fix"]
            agrees = (allowed, told.exit_code, tried.exit_code) == (may, *((0, 0) if may else (77, 77)))
            names_the_fix = fix is None if may else fix.startswith("espomail ")
            says_the_same = may or user == "idler" or tried.error["hint"] == fix
            if not (agrees and names_the_fix and says_the_same):
                wrong.append((user, address, may, told.stdout, tried.exit_code, tried.stderr))
            counts["allowed" if may else "refused"] += 1
    print(f"\n{system}: {dict(counts)}")
    assert wrong == []
    assert counts["allowed"] >= 10


FILLED = {
    "NAME": "made",
    "ROLE": "{user}s",
    "HOST": "127.0.0.1 --smtp-port 2525 --smtp-security none",
}


def follow(run: Runner, fix: str, user: str) -> None:
    """Type what a refusal advises, its capital letters filled in."""
    line = re.split(r", or ", fix)[0].removeprefix("espomail ")
    for word, value in FILLED.items():
        line = re.sub(rf"\b{word}\b", value.format(user=user), line)
    do(run, *shlex.split(line))


@pytest.mark.parametrize("user", [user for user in USERS if user != "boss"])
def test_the_way_out_that_a_refusal_names_leads_out(office: Runner, tmp_path: Path, user: str) -> None:
    own = [f"{user}{ending}@team.example" for ending in OWN]
    groups = [f"{name}@team.example" for name in (*GROUPS, "nobody")]
    walked = Counter[int]()
    for number, address in enumerate(own + groups):
        copy = Runner(tmp_path / str(number))
        shutil.copytree(office.folder, copy.folder, ignore=lambda folder, names: [n for n in names if n.isdigit()])
        steps = 0
        while not (told := copy("can-send", user, address, "--json").json)["allowed"]:
            follow(copy, told["fix"], user)
            steps += 1
            assert steps < 6, told
        walked[steps] += 1
    print(f"\n{user}: how many steps led out, how often: {dict(walked)}")
    assert walked[1] + walked[2] + walked[3] > 0
