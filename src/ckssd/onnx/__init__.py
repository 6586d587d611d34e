"""SSDs as ONNX graphs: read without ONNX's own packages, and made from frozen graphs by tf2onnx."""
