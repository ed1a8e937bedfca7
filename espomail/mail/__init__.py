"""Bytes of a mail to values and back. Pure: nothing here reads a clock, a file or the net."""
