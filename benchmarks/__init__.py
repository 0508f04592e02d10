"""One script per figure, run with `make bench`; nothing here is a test.

A figure is a ratio of medians. The sides that are compared are long-lived processes (`sides.py`, `serving.py`) which
take turns on the same machine, because a machine that others use too is never equally fast twice.
"""
