"""The report that people open: a run's data as JSON, and one HTML file with charts that needs no network."""
