"""The trainer and all it needs; core knows no plugin by name."""
