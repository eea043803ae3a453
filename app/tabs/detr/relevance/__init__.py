"""What a query's class rests on, and what is left when patches are masked."""
