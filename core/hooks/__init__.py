"""The contract between core and plugins: hooks, slots, options, registry and assembly."""
