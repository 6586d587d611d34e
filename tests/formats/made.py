"""The same ten pictures as each tool would write them, without this project's own writers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from ckssd.coco.shapes import write_shapes_dataset

Content = dict[str, Any]
IMAGES = 10
CROWD, DIFFICULT = 3, 5  # ids of annotations with these flags
NAMES = {1: "circle", 2: "square", 3: "triangle", 4: "star", 5: "ring", 6: "cross"}


def make_pictures(folder: Path) -> Content:
    """COCO's layout with ``images/`` and ``annotations/instances_val.json``; boxes on whole pixels."""
    file = write_shapes_dataset(folder, images=IMAGES, seed=11, quiet=True, workers=1)
    content: Content = json.loads(file.read_text())
    sizes = {image["id"]: (image["width"], image["height"]) for image in content["images"]}
    for index, one in enumerate(content["annotations"], 1):
        x, y, width, height = one["bbox"]
        across, down = sizes[one["image_id"]]
        left, top = max(0, round(x)), max(0, round(y))
        box = [left, top, min(max(1, round(width)), across - left), min(max(1, round(height)), down - top)]
        one.update(id=index, bbox=box, area=box[2] * box[3], iscrowd=0)
        del one["segmentation"]
    file.write_text(json.dumps(content))
    return content


def boxes_of(content: Content, image: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in content["annotations"] if one["image_id"] == image["id"]]


def as_coco(content: Content, pictures: Path, folder: Path) -> None:
    shutil.copytree(pictures, folder / "images")
    (folder / "annotations").mkdir()
    (folder / "annotations" / "instances_val.json").write_text(json.dumps(content))


def as_voc(content: Content, pictures: Path, folder: Path) -> None:
    """VOCdevkit's layout, with an image set of one class, too."""
    shutil.copytree(pictures, folder / "JPEGImages")
    (folder / "Annotations").mkdir()
    sets = folder / "ImageSets" / "Main"
    sets.mkdir(parents=True)
    stems = [Path(image["file_name"]).stem for image in content["images"]]
    (sets / "val.txt").write_text("\n".join(stems) + "\n")
    (sets / "circle_val.txt").write_text("\n".join(f"{stem} -1" for stem in stems) + "\n")
    for image in content["images"]:
        objects = ""
        for one in boxes_of(content, image):
            x, y, width, height = one["bbox"]
            objects += (
                f"<object><name>{escape(NAMES[one['category_id']])}</name><pose>Unspecified</pose>"
                f"<truncated>0</truncated><difficult>{int(one['id'] == DIFFICULT)}</difficult><bndbox>"
                f"<xmin>{x + 1}</xmin><ymin>{y + 1}</ymin><xmax>{x + width}</xmax><ymax>{y + height}</ymax>"
                "</bndbox></object>\n"
            )
        text = (
            f"<annotation>\n<folder>VOC2012</folder><filename>{image['file_name']}</filename>"
            f"<size><width>{image['width']}</width><height>{image['height']}</height><depth>3</depth></size>"
            f"<segmented>0</segmented>\n{objects}</annotation>\n"
        )
        (folder / "Annotations" / f"{Path(image['file_name']).stem}.xml").write_text(text)


def as_yolo(content: Content, pictures: Path, folder: Path) -> None:
    """Ultralytics' layout: the six digits of its own converters, no file where nothing is to be found."""
    shutil.copytree(pictures, folder / "images" / "val")
    (folder / "labels" / "val").mkdir(parents=True)
    names = "".join(f"  {identity - 1}: {name}\n" for identity, name in NAMES.items())
    (folder / "data.yaml").write_text(f"path: .\nval: images/val\nnc: 6\nnames:\n{names}")
    for image in content["images"]:
        lines = []
        for one in boxes_of(content, image):
            x, y, width, height = one["bbox"]
            across, down = image["width"], image["height"]
            values = ((x + width / 2) / across, (y + height / 2) / down, width / across, height / down)
            lines.append(" ".join([str(one["category_id"] - 1), *(f"{value:.6f}" for value in values)]))
        stem = Path(image["file_name"]).stem
        (folder / "labels" / "val" / f"{stem}.txt").write_text("\n".join(lines) + "\n")


def as_cvat(content: Content, pictures: Path, folder: Path) -> None:
    """CVAT for images 1.1, as the export of a task has it; two decimals, a line, and a crowd."""
    shutil.copytree(pictures, folder / "images")
    labels = "".join(
        f"<label><name>{escape(name)}</name><color>#c06060</color><type>any</type><attributes></attributes></label>"
        for name in NAMES.values()
    )
    images = ""
    for index, image in enumerate(content["images"]):
        size = f'width="{image["width"]}" height="{image["height"]}"'
        images += f'<image id="{index}" name="{image["file_name"]}" {size}>\n'
        for one in boxes_of(content, image):
            x, y, width, height = one["bbox"]
            inside = '<attribute name="is_crowd">true</attribute>' if one["id"] == CROWD else ""
            images += (
                f'<box label="{NAMES[one["category_id"]]}" source="manual" occluded="0" xtl="{x:.2f}"'
                f' ytl="{y:.2f}" xbr="{x + width:.2f}" ybr="{y + height:.2f}" z_order="0">{inside}</box>\n'
            )
        images += '<polyline label="circle" source="manual" occluded="0" points="1.0,2.0;3.0,4.0"/></image>\n'
    (folder / "annotations.xml").write_text(
        f'<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version><meta><task><id>7</id>'
        f"<name>mine</name><subset></subset><labels>{labels}</labels></task></meta>\n{images}</annotations>\n"
    )


def as_labelme(content: Content, pictures: Path, folder: Path) -> None:
    """LabelMe's files beside the pictures: rectangles from any corner, and polygons of the same extent."""
    shutil.copytree(pictures, folder, dirs_exist_ok=True)
    for image in content["images"]:
        shapes = []
        for one in boxes_of(content, image):
            x, y, width, height = map(float, one["bbox"])
            points = [[x + width, y + height], [x, y]]
            if one["id"] % 2:
                points = [
                    [x, y + height / 2],
                    [x + width / 3, y],
                    [x + width, y + height / 4],
                    [x, y + height],
                ]
            shapes.append(
                {
                    "label": NAMES[one["category_id"]],
                    "points": points,
                    "group_id": None,
                    "description": "",
                    "shape_type": "polygon" if one["id"] % 2 else "rectangle",
                    "flags": {"iscrowd": True} if one["id"] == CROWD else {},
                    "mask": None,
                }
            )
        written = {
            "version": "5.5.0",
            "flags": {},
            "shapes": shapes,
            "imagePath": f"..\\mine\\{image['file_name']}",
            "imageData": "aGVsbG8=",
            "imageHeight": image["height"],
            "imageWidth": image["width"],
        }
        (folder / f"{Path(image['file_name']).stem}.json").write_text(json.dumps(written, indent=2))


def as_openimages(content: Content, pictures: Path, folder: Path) -> None:
    """V6's tables of one split: fractions of six digits, a group, a flag that is not known."""
    shutil.copytree(pictures, folder / "validation")
    codes = {identity: f"/m/0{identity}k" for identity in NAMES}
    described = "".join(f"{codes[identity]},{name}\n" for identity, name in NAMES.items())
    (folder / "class-descriptions-boxable.csv").write_text(described)
    rows = (
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,"
        "IsInside\n"
    )
    for image in content["images"]:
        for one in boxes_of(content, image):
            x, y, width, height = one["bbox"]
            across, down = image["width"], image["height"]
            edges = (x / across, (x + width) / across, y / down, (y + height) / down)
            group, inside = int(one["id"] == CROWD), -1 if one["id"] == 1 else 0
            rows += f"{Path(image['file_name']).stem},xclick,{codes[one['category_id']]},1,"
            rows += ",".join(f"{edge:.6f}" for edge in edges) + f",0,0,{group},0,{inside}\n"
    (folder / "validation-annotations-bbox.csv").write_text(rows)
    listed = "".join(f"{Path(image['file_name']).stem},validation\n" for image in content["images"])
    (folder / "validation-images-with-rotation.csv").write_text(f"ImageID,Subset\n{listed}")


MAKERS: dict[str, Callable[[Content, Path, Path], None]] = {
    "coco": as_coco,
    "voc": as_voc,
    "yolo": as_yolo,
    "cvat": as_cvat,
    "labelme": as_labelme,
    "openimages": as_openimages,
}
