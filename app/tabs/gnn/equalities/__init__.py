"""The page "Equalities": graph layers that are something else as well."""
