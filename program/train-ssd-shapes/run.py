"""What ``ck run program:train-ssd-shapes`` runs: data, cache, training, export, evaluation, curve.

Variables: ``CK_TRAIN_IMAGES`` (5000), ``CK_TRAIN_SEED`` (1), ``CK_TRAIN_STEPS`` (5500), ``CK_TRAIN_FOLDER``
(``run`` in the current folder). What is already in that folder is not made again, and training goes on.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VALIDATION = ("250", "2017")


def run(*command):
    """Run one step; a failed one ends the program."""
    words = [str(word) for word in command]
    print("$", " ".join(words), flush=True)
    code = subprocess.run(words, check=False).returncode
    if code:
        sys.exit(f"FAILED: exit code {code} of {words[1]}")


def number(name, default):
    """Return a variable that holds a whole number."""
    text = os.environ.get(name) or default
    if not text.isdigit() or int(text) < 1:
        sys.exit(f"FAILED: {name} is no whole number of at least 1: {text}")
    return text


def main():
    """Run the whole way of README.md."""
    images, seed = number("CK_TRAIN_IMAGES", "5000"), number("CK_TRAIN_SEED", "1")
    steps = number("CK_TRAIN_STEPS", "5500")
    ckssd = [os.environ["CKSSD_PYTHON"], "-m", "ckssd"]
    python = os.environ["CK_ENV_LIB_TF_PYTHON_FILE"]
    folder = Path(os.environ.get("CK_TRAIN_FOLDER") or "run").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    train, val, cache = folder / "train", folder / "val", folder / "train.npz"
    for place, (count, of_seed) in {train: (images, seed), val: VALIDATION}.items():
        if not (place / "annotations" / "instances_val.json").exists():  # written last
            shutil.rmtree(place, ignore_errors=True)
            run(*ckssd, "shapes", "--images", count, "--seed", of_seed, place)
    if not cache.exists():
        run(python, HERE / "cache.py", train, cache)
    run(python, HERE / "train.py", cache, val, folder / "steps", "--steps", steps, "--evaluate-images", "100")
    run(python, HERE / "export.py", folder / "steps", val, folder / "model")
    graph = folder / "model" / "frozen_inference_graph.pb"
    run(python, HERE / "evaluate.py", graph, val, "--score-threshold", "0.3", "1e-8")
    run(python, HERE / "plot.py", folder / "steps", folder / "curve.svg")


main()
