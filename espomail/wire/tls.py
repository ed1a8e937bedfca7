"""Verified TLS: one way to make a context, and words for a handshake that failed."""

from __future__ import annotations

import ssl

from espomail.errors import NotSetUp, Unreachable


def verified_context(ca_file: str | None) -> ssl.SSLContext:
    """A context that checks the certificate and the host name, TLS 1.2 or later.

    With `ca_file` (PEM) only the authorities in it are trusted, without it those of the system.
    Raise NotSetUp when the file can't be used.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise NotSetUp(f"the TLS CA file {ca_file} can't be used: {_reason(error)}", "give a readable PEM file") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def handshake_failed(where: str, error: OSError) -> Unreachable:
    """The failure of a TLS handshake with `where` (host:port) as one sentence and what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Unreachable(
            f"the certificate of {where} can't be trusted: {error.verify_message}",
            "check the host name; for an authority of your own give --tls-ca-file",
        )
    if isinstance(error, TimeoutError):
        return Unreachable(f"{where} did not finish the TLS handshake in time", "check the port and the security setting")
    return Unreachable(
        f"no TLS with {where}: {_reason(error)}", "check the port and the security setting (tls, starttls or none)"
    )


def _reason(error: OSError) -> str:
    reason = getattr(error, "reason", None) or error.strerror or str(error)
    return str(reason).replace("_", " ").lower()
