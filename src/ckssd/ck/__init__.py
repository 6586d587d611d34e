"""The only room that knows CK: its home, its hooks (dict in, dict out), its environment entries."""
