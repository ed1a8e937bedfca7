"""What the store knows that a decision about a mail needs: one file per decision, reading only.

life.py and the steps ask here, hand the values to the pure rules, and write what they decide.
"""
