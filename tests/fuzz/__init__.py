"""Fuzzing: what is wrong raises graphad's errors, within bounds of time and memory. ``python -m tests.fuzz --help``.

A part is a function ``check(seed)`` that raises where something is wrong, and depends on the seed alone.
"""
