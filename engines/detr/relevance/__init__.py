"""What a query's class rests on, and what DETR says when patches of the picture are masked."""
