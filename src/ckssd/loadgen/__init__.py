"""MLPerf's LoadGen drives the detectors: its scenarios and modes, its verdict and logs beside our figures."""
