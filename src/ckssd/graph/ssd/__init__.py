"""The replacers for SSD graphs of the Object Detection API, and what they read from a graph."""
