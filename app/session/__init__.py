"""What all tabs are set to, as one thing: kept while the program runs, saved, opened, and copied as text."""
