"""From files to token arrays: reading, labels, splits, tokens, plans, synthetic titles."""
