"""TFLite models: made from checkpoints, read, cut in two, and given other postprocessing options."""
