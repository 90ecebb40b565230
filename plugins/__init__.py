"""The built-in plugins: one file each, file name = plugin name."""
