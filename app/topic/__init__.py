"""What every topic is made of: a tab that turns pages, pages with their dock, settings with their steps."""
