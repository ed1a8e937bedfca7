"""The steps of a mail's life, one file each: gather, decide, apply, leave a Step behind. life.py knows their order."""
