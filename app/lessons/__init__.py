"""Lessons: the way from a note's sentence to the proof under the hand. Their steps lie in ``assets/lessons``."""
