"""Mail that people write: what they want to say, in which words it leaves, to whom an answer goes, and putting it into the outbox."""
