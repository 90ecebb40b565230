"""The kit for plugin authors; its public name is titlekit.testing."""
