"""Where documents live: one narrow protocol, SQLite behind it."""
