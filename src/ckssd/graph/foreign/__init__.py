"""Brings graphs of other exporters and tools into the form that this room's configurations know."""
