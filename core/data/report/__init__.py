"""What is found in data before it is trusted: classes, lengths, copies, damage, drift."""
