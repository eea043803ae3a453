"""Trained language Transformers: BERT, DistilBERT and GPT-2, their tokens, and what can be changed in them."""
