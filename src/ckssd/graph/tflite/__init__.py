"""A frozen graph to the graph that TFLite's converter takes: the same matches, other replacers."""
