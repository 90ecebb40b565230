"""Measured results: evaluation with intervals."""
