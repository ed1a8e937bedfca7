"""Numbers as Prometheus reads them."""

from __future__ import annotations

from espomail.rules.exposition import Sample, text


def test_samples_of_a_name_share_one_head_and_labels_are_escaped() -> None:
    samples = [
        Sample("a_total", "Things\nin \\ all", 1, {"of": 'say "hi"\n\\'}, kind="counter"),
        Sample("a_total", "Things", 2.5, {"of": "b", "kind": "c"}, kind="counter"),
        Sample("b", "Other", 0),
    ]
    assert text(samples) == (
        "# HELP a_total Things\\nin \\\\ all\n"
        "# TYPE a_total counter\n"
        'a_total{of="say \\"hi\\"\\n\\\\"} 1\n'
        'a_total{of="b",kind="c"} 2.5\n'
        "# HELP b Other\n"
        "# TYPE b gauge\n"
        "b 0\n"
    )


def test_no_samples_are_no_text() -> None:
    assert text([]) == ""
