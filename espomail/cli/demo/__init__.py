"""`espomail demo`: the main job on a throw-away database, fed by a real IMAP server on loopback."""
