"""The page "Relevance": which patches a prediction rests on."""
