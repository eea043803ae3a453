"""How scores spread with the dimension."""
