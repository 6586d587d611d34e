"""What runs in Ray's workers on the nodes.

Ray sends these modules as they stand, so they import nothing outside this package but Python's own library
(and fsspec, where pictures are fetched by it), and work with any Python that Ray runs on.
"""
