"""Checks of mail accounts and of what decides about their mail. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from shlex import quote

from espomail.model import Account, Server
from espomail.rules import accounts as account_rules
from espomail.rules.health_facts import Facts, Finding, Level

FAILING_AT = 3
STALE_TOKEN = timedelta(days=60)
YOUNG_FILTER = timedelta(days=30)
SENDER_ID = 0


def accounts(facts: Facts) -> Iterator[Finding]:
    for state in facts.accounts:
        account = state.account
        show = _command(account, "test")
        if not account.is_active:
            why = f" after: {state.last_error}" if state.last_error else ""
            level: Level = "warning" if state.last_error else "info"
            fix = f"{show}; then {_command(account, 'enable')}"
            yield Finding(level, "account-disabled", f"{account.name} is disabled{why}", fix)
        elif state.failures:
            failing = state.failures >= FAILING_AT
            until = f"; backing off until {state.next_try_at:%Y-%m-%d %H:%M} UTC" if state.next_try_at else ""
            how_often = "once" if state.failures == 1 else f"{state.failures} times in a row"
            message = f"{account.name} failed {how_often}{until}: {state.last_error}"
            yield Finding("error" if failing else "warning", "account-failing", message, f"see: {show}")
        elif state.last_error:
            yield Finding("warning", "account-trouble", f"{account.name}: {state.last_error}", f"see: {show}")


def rounds(facts: Facts) -> Iterator[Finding]:
    """Whether cron runs: accounts that are read, none of which any round has read for a while."""
    read = [state for state in facts.accounts if state.account.imap is not None and state.account.is_active]
    if not read:
        return
    newest = max(state.last_success_at or state.added_at for state in read)
    if facts.now - newest > facts.fetch_patience:
        minutes = int((facts.now - newest).total_seconds() // 60)
        fix = "is cron running? see crontab.example; try: espomail fetch"
        yield Finding("error", "fetch-round", f"no fetch round has succeeded for {minutes} minutes", fix)


def tls(facts: Facts) -> Iterator[Finding]:
    for state in facts.with_sender:
        for half, server in (("imap", state.account.imap), ("smtp", state.account.smtp)):
            if server is not None and _is_in_the_clear(server):
                message = f"{state.account.name} sends passwords and mail to {server.host} in plain text"
                yield Finding("warning", "tls", message, f"{_command(state.account, 'edit')} --{half}-security tls")
        if state.ca_trouble:
            fix = f"{_command(state.account, 'edit')} --tls-ca-file FILE"
            yield Finding("error", "tls", f"{state.account.name}: {state.ca_trouble}", fix)


def _is_in_the_clear(server: Server) -> bool:
    return server.security == "none" and not account_rules.is_loopback_host(server.host)


def secrets(facts: Facts) -> Iterator[Finding]:
    for state in facts.with_sender:
        name = state.account.name
        if state.secret_trouble:
            level: Level = "warning" if state.is_secret_kept_here else "info"
            again = _command(state.account, "secret")
            fix = f"{state.secret_hint}; or: {again}" if state.secret_hint else again
            yield Finding(level, "secret", f"{name}: {state.secret_trouble}", fix)
        if state.token_trouble:
            yield Finding("error", "token", f"{name}: {state.token_trouble}", f"espomail oauth login {quote(name)}")
        elif state.token_saved_at and facts.now - state.token_saved_at > STALE_TOKEN:
            days = (facts.now - state.token_saved_at).days
            message = f"the OAuth token of {name} was last renewed {days} days ago; providers end unused ones after 90"
            yield Finding("warning", "token", message, f"espomail oauth login {quote(name)}")


def breakers(facts: Facts) -> Iterator[Finding]:
    for state in facts.accounts:
        if state.breaker_until and state.breaker_until > facts.now:
            until = f"{state.breaker_until:%Y-%m-%d %H:%M} UTC"
            message = f"auto-replies of {state.account.name} are held back until {until}: too many in an hour"
            fix = "look for a loop: espomail email list --limit 20; if they are real: espomail settings set auto_reply_hourly_cap N"
            yield Finding("warning", "auto-reply-breaker", message, fix)


def connections(facts: Facts) -> Iterator[Finding]:
    for account, trouble in facts.connections:
        fix = f"check host, port, security and password; see: {_command(account, 'test')}"
        yield Finding("error", "connection", f"{account.name}: {trouble}", fix)


# ---------------------------------------------------------------- what decides about mail


def templates(facts: Facts) -> Iterator[Finding]:
    for state in facts.accounts:
        account = state.account
        if not account.auto_reply:
            continue
        fix = f"{_command(account, 'edit')} --reply-template TEMPLATE"
        if account.reply_template is None:
            yield Finding("warning", "auto-reply", f"{account.name} answers by itself but has no template", fix)
        elif account.reply_template not in facts.template_names:
            yield Finding("error", "auto-reply", f"the template {account.reply_template} of {account.name} is gone", fix)
        if account.smtp is None and facts.settings.outbound_address is None:
            message = f"{account.name} answers by itself, but neither it nor the system has an SMTP server"
            yield Finding("warning", "auto-reply", message, f"{_command(account, 'edit')} --smtp-host HOST")


def distribution(facts: Facts) -> Iterator[Finding]:
    for state in facts.accounts:
        if state.distribution_trouble and state.account.is_active and state.account.create_case:
            message = f"new cases of {state.account.name} get nobody: {state.distribution_trouble}"
            fix = f"see: espomail case distribution preview {quote(state.account.name)}"
            yield Finding("warning", "distribution", message, fix)


def teams(facts: Facts) -> Iterator[Finding]:
    """Teams with nobody: a warning where mail of an account goes there; of its cases `distribution` speaks."""
    used = {team_id for state in facts.accounts if state.account.is_active for team_id in state.account.team_ids}
    for team_id, name in facts.empty_teams:
        level: Level = "warning" if team_id in used else "info"
        message = f"nobody active is in the team {name}"
        yield Finding(level, "team", message, f"espomail team add-member {quote(name)} USER")


def filters(facts: Facts) -> Iterator[Finding]:
    for each in facts.filters:
        if each.lost_target:
            fix = f"espomail filter edit {quote(each.name)} --target FOLDER"
            yield Finding("warning", "filter", f"the folder that {each.name} moves mail to is gone", fix)
        if each.is_hit or not each.mails_tried:
            continue
        is_young = facts.now - each.created_at < YOUNG_FILTER
        message = f"no mail has ever matched {each.name}, nor do any of the newest {each.mails_tried}"
        fix = f"see: espomail filter preview {quote(each.name)}; or: espomail filter remove {quote(each.name)}"
        yield Finding("info" if is_young else "warning", "filter", message, fix)


def addresses(facts: Facts) -> Iterator[Finding]:
    sharing: dict[str, list[Account]] = {}
    for state in facts.accounts:
        sharing.setdefault(state.account.address, []).append(state.account)
    for address, those in sorted(sharing.items()):
        if len(those) > 1:
            message = f"{address} is the address of several accounts: {', '.join(sorted(each.name for each in those))}"
            fix = f"{_command(those[-1], 'edit')} --address OTHER; or: {_command(those[-1], 'remove')}"
            yield Finding("warning", "address", message, fix)
    for account, address, owner in facts.other_owners:
        message = f"{address} of {account} is not an address of {owner}, who can't send from it"
        yield Finding("warning", "address", message, f"espomail user edit {quote(owner)} --add-email {quote(address)}")


def _command(account: Account, verb: str) -> str:
    """The command that does something with an account; with the system's own sender one command does all."""
    if account.id == SENDER_ID:
        return "espomail settings outbound" + (" --smtp-password-stdin" if verb == "secret" else "")
    return f"espomail {account.kind}-account {verb} {quote(account.name)}"
