"""Frozen TensorFlow graphs: read, matched against a configuration, replaced in part, written as IR."""
