"""The program under fire: processes killed, connections cut, mails that poison, storage that fails; judged by an oracle.

Each test makes its mails itself, so it knows beforehand what must be in the database afterwards, and prints how many of its
faults really hit. The short forms run with every test run, the full ones are marked `long`.
"""
