"""The sample library: a data set's images in the order of its annotations file, as MLPerf's tools count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

from ckssd.coco.annotations import Annotations, ImageEntry
from ckssd.measure.images import Fed, Steps


def in_file_order(annotations: Annotations, images: Iterable[ImageEntry]) -> list[ImageEntry]:
    """Images in the order of the annotations file's own list, where a sample's index is its place."""
    place = {identity: number for number, identity in enumerate(annotations.truth.image_ids.tolist())}
    return sorted(images, key=lambda image: place[image.id])


class SampleLibrary:
    """Samples by index; those that LoadGen asked for are in memory, decoded and resized.

    Parameters
    ----------
    keep
        False: nothing is prepared, and ``get`` reads the image.
    threads
        How many images are read at once while samples are loaded.
    """

    def __init__(self, images: Sequence[ImageEntry], steps: Steps, *, keep: bool, threads: int = 1) -> None:
        self.images = list(images)
        self.load_times: list[float] = []
        self.sizes: dict[int, tuple[int, int]] = {}
        self._steps, self._keep, self._threads = steps, keep, threads
        self._samples: dict[int, Fed] = {}

    def __len__(self) -> int:
        return len(self.images)

    def load(self, indices: Sequence[int]) -> None:
        """Prepare samples; raises as ckssd.measure.images.Steps.load does."""
        wanted = (
            [index for index in dict.fromkeys(indices) if index not in self._samples] if self._keep else []
        )
        with ThreadPoolExecutor(self._threads, thread_name_prefix="reader") as pool:
            for index, sample in zip(wanted, pool.map(self._read, wanted)):
                self._samples[index] = sample

    def unload(self, indices: Iterable[int]) -> None:
        """Forget samples."""
        for index in indices:
            self._samples.pop(index, None)

    def get(self, index: int) -> Fed:
        """One sample; an image that is not prepared is read now."""
        return self._samples.get(index) or self._read(index)

    def _read(self, index: int) -> Fed:
        began = perf_counter()
        sample = self._steps.load(self.images[index])
        self.load_times.append(perf_counter() - began)
        self.sizes[index] = (sample.image.width, sample.image.height)
        return sample
