"""The weighted average of federated learning as Flower writes it, in NumPy.

Each layer times its participant's number of examples, the products reduced with add, divided by
the sum of the examples. Prints one JSON object: {"seconds": [one per repeat], "numpy": version}.
"""

import argparse
import functools
import json
import time

import numpy as np

LAYERS = 10


def make_updates(participants, size_bytes):
    """(layers, number of examples) of each participant."""
    elements = size_bytes // 4 // LAYERS
    pattern = np.linspace(-1, 1, elements, dtype=np.float32)
    return [([pattern * np.float32(1 / (p + layer + 1)) for layer in range(LAYERS)], 100 + p)
            for p in range(participants)]


def average(updates):
    examples_sum = sum(examples for _, examples in updates)
    weighted = [[layer * examples for layer in layers] for layers, examples in updates]
    return [functools.reduce(np.add, layers) / examples_sum for layers in zip(*weighted)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--participants", type=int, required=True)
    parser.add_argument("--bytes", type=int, required=True, help="of one update, float32")
    parser.add_argument("--repeats", type=int, required=True)
    arguments = parser.parse_args()

    updates = make_updates(arguments.participants, arguments.bytes)
    average(updates)  # warm
    seconds = []
    for _ in range(arguments.repeats):
        start = time.perf_counter()
        average(updates)
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"seconds": seconds, "numpy": np.__version__}))


if __name__ == "__main__":
    main()
