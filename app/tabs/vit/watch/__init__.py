"""The page "Watch": the attention of each patch in every layer and head."""
