"""Drawings show a coloured box and a filled label, wherever the box lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ckssd.detect.detections import Detections
from ckssd.detect.draw import class_colour, draw
from ckssd.detect.pictures import drawing_paths

NAMES = {0: "circle", 1: "square"}


def detections(*boxes: tuple[float, float, float, float]) -> Detections:
    count = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.arange(count) % 2,
        np.linspace(0.9, 0.4, count, dtype=np.float32),
    )


@pytest.mark.parametrize("background", [0, 127, 255])
def test_a_box_stands_out_from_any_background(background: int) -> None:
    pixels = np.full((200, 300, 3), background, np.uint8)
    drawn = np.asarray(draw(pixels, detections((0.4, 0.3, 0.8, 0.7)), NAMES))
    colour = np.array(class_colour(0))
    assert (drawn[120, 88:92] == colour).all(axis=1).any()  # the left edge
    assert (drawn == colour).all(axis=2).sum() > 500  # edges and the label's ground
    assert (drawn[100, 150] == background).all()  # the inside is left alone
    assert (pixels == background).all()  # and so is the original


@pytest.mark.parametrize("box", [(0, 0, 1, 1), (0, 0, 0.01, 0.01), (0.99, 0.99, 1, 1), (0.5, 0.5, 0.5, 0.5)])
def test_boxes_at_the_border_and_without_area_are_drawn(box: tuple[float, float, float, float]) -> None:
    pixels = np.zeros((90, 120, 3), np.uint8)
    drawn = draw(pixels, detections(box), NAMES)
    assert drawn.size == (120, 90)
    assert (np.asarray(drawn) == np.array(class_colour(0))).all(axis=2).any()


def test_nothing_found_leaves_the_image_as_it_is() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (50, 60, 3), dtype=np.uint8)
    assert np.array_equal(np.asarray(draw(pixels, detections(), NAMES)), pixels)


def test_labels_of_boxes_in_one_place_do_not_hide_each_other() -> None:
    pixels = np.zeros((240, 320, 3), np.uint8)
    box = (0.3, 0.3, 0.7, 0.7)
    drawn = np.asarray(draw(pixels, detections(box, box), NAMES))
    assert all((drawn == np.array(class_colour(index))).all(axis=2).sum() > 300 for index in (0, 1))


def test_an_image_of_one_pixel_can_be_drawn_on() -> None:
    assert draw(np.zeros((1, 1, 3), np.uint8), detections((0, 0, 1, 1)), NAMES).size == (1, 1)


def test_neighbouring_classes_have_different_colours() -> None:
    colours = [np.array(class_colour(index)) for index in range(12)]
    assert min(np.abs(a - b).sum() for i, a in enumerate(colours) for b in colours[:i]) > 60


def test_drawings_of_images_with_one_name_do_not_overwrite_each_other() -> None:
    paths = drawing_paths([Path("a/x.jpg"), Path("b/x.jpg"), Path("x-2.png")], Path("out"))
    assert len(set(paths)) == 3
