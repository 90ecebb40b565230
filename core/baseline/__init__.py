"""A run without an encoder: n-grams and logistic regression, for an answer in seconds."""
