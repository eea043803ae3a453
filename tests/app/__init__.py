"""Tests of the app."""

import app.window  # noqa: F401 - bound to the real list of topics before any test puts another in its place
