"""From a saved folder to answers: scoring, decisions, streaming."""
