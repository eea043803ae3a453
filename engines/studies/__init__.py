"""Studies: tables of runs, each a function of its row; see `engines.studies.spec`. Imports no torch and no topic."""
