"""Names of hosts into addresses, and which of those an account may point at."""

from __future__ import annotations

import ipaddress
import socket
from typing import NamedTuple

from espomail.errors import NotPermitted, Unreachable

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_IPV6 = ipaddress.ip_network("2000::/3")  # all that IANA has given out; what lies outside wraps, maps or stays local

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class Endpoint(NamedTuple):
    """One resolved address: the socket family and what `socket.connect` takes."""

    family: int
    sockaddr: tuple[str, int] | tuple[str, int, int, int]

    @property
    def ip(self) -> IPAddress:
        return ipaddress.ip_address(self.sockaddr[0].partition("%")[0])


def resolve(host: str, port: int) -> list[Endpoint]:
    """Given a host name or address, return its endpoints in the resolver's order; raise Unreachable for an unknown host."""
    hint = "check the spelling of the host name and the name server"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise Unreachable(f"unknown host {host!r} (port {port})", hint) from error
    endpoints = [Endpoint(family, _sockaddr(address)) for family, _, _, _, address in found if family in _FAMILIES]
    if not endpoints:
        raise Unreachable(f"host {host!r} (port {port}) has no address", hint)
    return endpoints


def require_public(host: str, endpoints: list[Endpoint]) -> None:
    """Raise NotPermitted if any address of the host is not a public one: one private address is enough to be steered there."""
    for endpoint in endpoints:
        if not is_public(endpoint.ip):
            raise NotPermitted(
                f"{host} is at {endpoint.ip}, which is not a public address",
                "only an administrator may use such a host, or: espomail settings set allow_private_hosts yes",
            )


def is_public(ip: IPAddress) -> bool:
    """Tell whether an address is globally reachable; addresses that wrap an IPv4 address are judged by that one."""
    inner = _wrapped(ip)
    return inner.is_global and not inner.is_multicast and (inner.version == 4 or inner in _GLOBAL_IPV6)


def is_loopback(ip: IPAddress) -> bool:
    """Tell whether an address is this machine's own loopback."""
    return _wrapped(ip).is_loopback


def _wrapped(ip: IPAddress) -> IPAddress:
    """The IPv4 address inside a mapped (RFC 4291), NAT64 (RFC 6052) or 6to4 (RFC 3056) address, else the address itself."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.sixtofour or ip


_FAMILIES = (socket.AF_INET, socket.AF_INET6)


def _sockaddr(address: tuple[str | int | bytes, ...]) -> tuple[str, int] | tuple[str, int, int, int]:
    """The socket address with its types spelled out."""
    host, port = str(address[0]), int(address[1])
    return (host, port) if len(address) == 2 else (host, port, int(address[2]), int(address[3]))
