"""Which addresses an account of an ordinary user may point at."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from espomail.errors import NotPermitted, Unreachable
from espomail.wire import hosts
from espomail.wire.hosts import Endpoint

PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]
PRIVATE = [
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::1", "2002:a9fe:a9fe::",
    "::127.0.0.1", "::10.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b:1::7f00:1", "fec0::1", "5f00::1", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize(("address", "expected"), [(a, True) for a in PUBLIC] + [(a, False) for a in PRIVATE])
def test_only_public_addresses_are_public(address: str, expected: bool) -> None:
    assert hosts.is_public(ipaddress.ip_address(address)) is expected


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    mixed = [Endpoint(socket.AF_INET, ("8.8.8.8", 993)), Endpoint(socket.AF_INET6, ("fe80::1%lo", 993, 0, 1))]
    hosts.require_public("mail.example", mixed[:1])
    with pytest.raises(NotPermitted, match=r"mail.example is at fe80::1"):
        hosts.require_public("mail.example", mixed)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "2130706433", "127.1", "0x7f000001"])
def test_loopback_is_seen_through_every_spelling(name: str) -> None:
    found = hosts.resolve(name, 993)
    assert found
    assert all(hosts.is_loopback(each.ip) for each in found)
    with pytest.raises(NotPermitted):
        hosts.require_public(name, found)


@pytest.mark.parametrize("name", ["no-such-host.invalid", "a" * 300, "a..b", "\udc80", "a\x00b", ""])
def test_a_name_that_is_none_is_an_unknown_host(name: str) -> None:
    with pytest.raises(Unreachable):
        hosts.resolve(name, 993)
