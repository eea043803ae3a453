"""Figures of the app against transformers and against what was promised: ``python -m tests.benchmarks [ROW...]``.

Every ratio comes out of one run, in which ours and the reference take turns. Nothing here is a test.
"""
