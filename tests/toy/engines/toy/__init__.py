"""A palette that a color attends to: a topic as small as can be, with everything that a topic brings."""
