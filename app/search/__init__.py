"""Search (Ctrl+K): topics, pages, settings and lessons by their words, in both languages and by pinyin initials."""
