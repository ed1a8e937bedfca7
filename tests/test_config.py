"""The configuration file: every key, every mistake, and the example that documents it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espomail import config, yamlfile
from espomail.config import Budgets, Configuration, Log, Notify
from espomail.errors import BadInput, NotSetUp

EXAMPLE = Path(__file__).parents[1] / "config.example.yaml"


def load(folder: Path, text: str) -> Configuration:
    file = folder / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return config.load(file)


def test_without_a_file_everything_has_its_default() -> None:
    assert config.load(None) == Configuration()


def test_every_key_is_read(tmp_path: Path) -> None:
    text = """
        database: /var/lib/espomail/espomail.db
        key_file: /etc/espomail/key
        log: {file: /var/log/espomail.log, level: debug}
        budgets: {cron_seconds: 40, fetch_jobs: 8, connect_seconds: 5, read_seconds: 20}
        notify: {command: /usr/local/bin/tell, webhook: "https://chat.example/hook"}
        state: {teams: []}
    """
    assert load(tmp_path, text) == Configuration(
        path=tmp_path / "config.yaml",
        database=Path("/var/lib/espomail/espomail.db"),
        key_file=Path("/etc/espomail/key"),
        log=Log(file=Path("/var/log/espomail.log"), level="debug"),
        budgets=Budgets(cron_seconds=40, fetch_jobs=8, connect_seconds=5, read_seconds=20),
        notify=Notify(command="/usr/local/bin/tell", webhook="https://chat.example/hook"),
    )


def test_the_example_loads_says_the_defaults_and_names_every_key() -> None:
    loaded = config.load(EXAMPLE)
    assert loaded == Configuration(path=EXAMPLE)
    text = EXAMPLE.read_text(encoding="utf-8")
    sections = ("log", "budgets", "notify")
    keys = [*config._TOP, *(key for section in sections for key in config._TOP[section])]
    assert [key for key in keys if f"{key}:" not in text] == []


WRONG = {
    "an unknown key": ("databse: x\n", "config.yaml:1: databse: unknown key; did you mean database?"),
    "an unknown key inside": (
        "budgets:\n  fetch_job: 3\n",
        "config.yaml:2: budgets.fetch_job: unknown key; did you mean fetch_jobs?",
    ),
    "a doubled key": ("database: x\ndatabase: y\n", "config.yaml:2: database: this key is here twice"),
    "an unknown key beside a doubled one": (
        "database: x\ndatabase: y\nbudgts: {}\n",
        "config.yaml:3: budgts: unknown key; did you mean budgets?",
    ),
    "a word for a number": ("budgets: {fetch_jobs: many}\n", "budgets.fetch_jobs: must be a whole number from 1 to 64"),
    "too many": ("budgets: {fetch_jobs: 65}\n", "must be a whole number from 1 to 64"),
    "yes for a number": ("budgets: {fetch_jobs: true}\n", "must be a whole number"),
    "a number for a path": ("database: 7\n", "database: must be a path"),
    "a level that there isn't": ("log: {level: loud}\n", "must be one of error, warning, info, debug"),
    "a webhook without TLS": ("notify: {webhook: http://chat.example/}\n", "must be an https:// address"),
    "no mapping": ("- database\n", "config.yaml:1: must be a mapping"),
    "no YAML": ("database: [x\n", "no YAML"),
}


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=list(WRONG))
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(NotSetUp) as caught:
        load(tmp_path, text)
    assert words in caught.value.message


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(NotSetUp) as caught:
        load(tmp_path, "databse: x\nlog: {level: loud}\nbudgets: {cron_seconds: 0}\n")
    assert [line.split(": ")[1] for line in caught.value.message.splitlines()] == [
        "databse",
        "log.level",
        "budgets.cron_seconds",
    ]


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(NotSetUp, match="can't be read"):
        config.load(tmp_path / "nowhere.yaml")


def test_the_option_goes_before_the_environment_and_that_before_the_homes(tmp_path: Path) -> None:
    home = tmp_path / "espomail"
    home.mkdir()
    (home / "config.yaml").touch()
    places = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert config.find_file("a.yaml", {**places, "ESPOMAIL_CONFIG": "b.yaml"}) == Path("a.yaml")
    assert config.find_file(None, {**places, "ESPOMAIL_CONFIG": "b.yaml"}) == Path("b.yaml")
    assert config.find_file(None, places) == home / "config.yaml"


PLAIN = {
    "yes stays a word": ("yes", "yes"),
    "on stays a word": ("on", "on"),
    "true is true": ("true", True),
    "quoted it is text": ("'true'", "true"),
    "a leading zero is text": ("0123", "0123"),
    "a time of day is text": ("12:30", "12:30"),
    "a date is text": ("2026-03-01", "2026-03-01"),
    "a number": ("50", 50),
    "a fraction is text": ("1.5", "1.5"),
    "nothing": ("", None),
    "null": ("null", None),
    "a tilde": ("~", None),
    "an infinity is text": (".inf", ".inf"),
}


@pytest.mark.parametrize(("text", "value"), PLAIN.values(), ids=list(PLAIN))
def test_a_value_is_what_it_looks_like(text: str, value: object) -> None:
    assert yamlfile.read(f"key: {text}\n".encode(), name="x").value == {"key": value}


def test_every_value_keeps_its_line() -> None:
    document = yamlfile.read(b"a:\n  - b: 1\n    c:\n      d: 2\n  - 3\n", name="x")
    assert dict(document.lines) == {"": 1, "a": 1, "a[0]": 2, "a[0].b": 2, "a[0].c": 3, "a[0].c.d": 4, "a[1]": 5}


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        yamlfile.read(content, name="x")
    except BadInput:
        return


TEXTS = st.text() | st.text(alphabet=" \t\n\r\x85\u2028\ufeffa#:-'\"|>%é")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(0, 10**9) | TEXTS,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(TEXTS.filter(lambda key: key not in ("", "<<")), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_what_the_export_writes_is_read_back(value: object) -> None:
    for is_ascii in (False, True):
        written = yamlfile.write({"key": value}, is_ascii=is_ascii)
        assert written.isascii() or not is_ascii
        assert yamlfile.read(written.encode("utf-8", "surrogatepass"), name="x").value == {"key": value}
