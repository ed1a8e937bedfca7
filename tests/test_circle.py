"""The full circle: a customer writes, an agent answers from their own address, the customer answers to the group."""

from __future__ import annotations

import email
import email.policy
from pathlib import Path

import pytest

from tests import servers
from tests.shop import Shop, letter


@pytest.fixture
def circle(tmp_path: Path):
    with servers.dovecot(users={"support": "secret", "ann": "secret"}) as imap, servers.smtp() as post:
        shop = Shop(tmp_path, imap)
        shop.add_agents("ann")
        smtp = f"--smtp-host 127.0.0.1 --smtp-port {post.port} --smtp-security none"
        shop.add_account("support", f"--team support --create-case {smtp} --distribution round-robin --target-team support")
        imap.make_folder("ann", "Sent")
        shop.run(
            f"personal-account add ann --user ann --address ann@team.example {shop.imap('ann')} --folder INBOX --folder Sent "
            f"{smtp} --store-sent Sent"
        )
        yield shop, imap, post


@pytest.mark.parametrize("keeps", ["everything", "the subject", "the thread"])
def test_an_answer_of_an_agent_comes_back_to_the_group_and_to_its_case(circle, keeps):
    shop, imap, post = circle
    shop.put("support", letter("q@client.example", sender="Cora <cora@client.example>", subject="Lamp is dark"))
    shop.run("fetch")
    shop.run("case reply 1 --body 'Try another bulb.' --from ann@team.example --as ann")
    assert shop.ask("send")["sent"] == 1
    answer = email.message_from_bytes(post.mails[0].content, policy=email.policy.default)
    assert (answer["From"], answer["To"], answer["Reply-To"]) == (
        "ann <ann@team.example>",
        "Cora <cora@client.example>",
        "support@team.example",
    )
    assert answer["Subject"] == "Re: [#1] Lamp is dark"
    assert answer["In-Reply-To"] == "<q@client.example>"
    assert (imap.count("ann", "Sent"), post.mails[0].sender) == (1, "ann@team.example")

    report = shop.ask("fetch")
    assert (report["imported"], report["duplicates"], report["cases_created"]) == (0, 1, 0)

    shop.put(
        "support",
        letter(
            "a@client.example",
            sender="Cora <cora@client.example>",
            to=str(answer["Reply-To"]),
            subject=str(answer["Subject"]) if keeps != "the thread" else "thanks",
            answers=str(answer["Message-ID"]).strip("<>") if keeps != "the subject" else None,
        ),
    )
    assert shop.ask("fetch")["cases_created"] == 0
    (case,) = shop.cases()
    assert len(case["emails"]) == 3
    stream = [note["type"] for note in shop.ask("stream show case:1")["stream"]]
    assert [kind for kind in stream if kind.startswith("email")] == ["email-received", "email-sent", "email-received"]
    notices = [n for n in shop.ask("notification list --as ann") if n["email"] == case["emails"][-1]]
    assert len(notices) == 1
