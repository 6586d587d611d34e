"""The benchmark: settings, a run over a data set's images, metrics, the summary and the record."""
