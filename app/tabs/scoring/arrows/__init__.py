"""A query arrow among key arrows."""
