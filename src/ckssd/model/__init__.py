"""What a model is: its file, runtime, graph, labels and postprocessing, described once for all who run it."""
