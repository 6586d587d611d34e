"""Annotations in the formats that people's tools write: read into one form, and written from it.

One file a format; :mod:`ckssd.formats.content` is the form between them, :mod:`ckssd.formats.names` has all.
"""
