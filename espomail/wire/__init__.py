"""The network: IMAP, SMTP, log-in methods, OAuth 2.0 and secrets. Knows values and errors, never the store."""
