"""Small networks of TensorFlow 2's zoo: the seeded FPNLite's configuration with fewer and smaller parts."""

from __future__ import annotations

from pathlib import Path

from tests.support.sandbox import CHECKOUT

ENTRY = CHECKOUT / "package" / "model-tf2-ssd-mobilenet-v2-fpnlite-seeded"
CLASSES, SIDE = 6, 128
SMALLER = {
    "num_classes: 90": f"num_classes: {CLASSES}",
    "320": str(SIDE),
    "depth_multiplier: 1.0": "depth_multiplier: 0.25",
    "depth: 128": "depth: 32",  # of the pyramid, too
}


def write_small_config(folder: Path, changes: dict[str, str] | None = None) -> Path:
    """Write the configuration of an FPNLite of 6 classes for 128x128; return its file."""
    text = (ENTRY / "pipeline.config").read_text()
    for old, new in {**SMALLER, **(changes or {})}.items():
        assert old in text, old
        text = text.replace(old, new)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pipeline.config"
    path.write_text(text)
    return path
