"""The page "Training": a run, where each of its states looks, and the bundled model before it begins."""
