"""Submission folders of MLPerf: made from LoadGen's runs, and checked, each rule by its name and source."""
