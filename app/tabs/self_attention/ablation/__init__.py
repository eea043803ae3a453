"""What each head is worth, switched off one by one."""
