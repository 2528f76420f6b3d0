#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""One peer, one network, one precision: checks its outputs against twinpatch's, then times it. Runs in the peer's own
environment; side_by_side.py starts it.

  peer_networks.py PEER PRECISION NETWORK.onnx PATCHES.npy EXPECTED.npy --threads N   prints one JSON object
  peer_networks.py make-patches PATCHES.npy PAIRS.npy

The graph is what `twinpatch model export --onnx` wrote: grey levels in, normalisation included. PATCHES is uint8
[N,64,64]; a network of pairs is given patch i and patch N-1-i.
"""
import argparse
import json
import os
import time

import numpy as np

from environments import version

BATCHES = (64, 256)
SECONDS = 0.7


class OnnxRuntime:
    version = property(lambda self: version("onnxruntime"))

    def __init__(self, path, precision, threads, _inputs):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.names = [one.name for one in self.session.get_inputs()]

    def __call__(self, inputs):
        return self.session.run(None, dict(zip(self.names, inputs)))[0]


class OpenVino:
    version = property(lambda self: version("openvino"))

    def __init__(self, path, precision, threads, inputs):
        import openvino
        core = openvino.Core()
        model = self.quantized(core, path, inputs) if precision == "int8" else core.read_model(path)
        settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": 1,
                    "INFERENCE_PRECISION_HINT": "f32" if precision == "fp32" else "bf16"}
        for one in model.inputs:
            one.get_tensor().set_names({one.get_any_name()})
        self.compiled = core.compile_model(model, "CPU", settings)

    @staticmethod
    def quantized(core, path, inputs):
        """Calibrated on the patches that are measured; kept beside the graph, as it takes a while."""
        stored = path.replace(".onnx", ".int8.xml")
        if not os.path.exists(stored):
            import nncf
            import openvino
            blocks = [[one[i:i + 16] for one in inputs] for i in range(0, 256, 16)]
            model = nncf.quantize(core.read_model(path), nncf.Dataset(blocks), subset_size=len(blocks))
            openvino.save_model(model, stored)
        return core.read_model(stored)

    def __call__(self, inputs):
        return self.compiled(inputs)[0]


class OpenCv:
    version = property(lambda self: version("opencv-python-headless"))

    def __init__(self, path, precision, threads, _inputs):
        import cv2
        cv2.setNumThreads(threads)
        self.net = cv2.dnn.readNetFromONNX(path)
        self.names = ["left", "right"] if "2ch" in path else ["patches"]

    def __call__(self, inputs):
        for name, one in zip(self.names, inputs):
            self.net.setInput(one, name)
        return self.net.forward()


class PyTorch:
    @property
    def version(self):
        return self.torch.__version__ + " (Debian)"

    def __init__(self, path, precision, threads, _inputs):
        import torch
        from onnx_in_torch import OnnxInTorch
        torch.set_num_threads(threads)
        self.torch = torch
        self.net = OnnxInTorch(path)
        self.precision = precision

    def __call__(self, inputs):
        torch = self.torch
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "bf16"):
            tensors = [torch.from_numpy(one).contiguous(memory_format=torch.channels_last) for one in inputs]
            return self.net(*tensors).float().numpy()


PEERS = {"onnxruntime": OnnxRuntime, "openvino": OpenVino, "opencv": OpenCv, "pytorch": PyTorch}


def make_patches(path, pairs, count=512, side=64):
    """Smooth random textures of several sizes with all grey levels, the same every time, and the pairs (i, N-1-i)."""
    random = np.random.default_rng(1)
    sum_of = np.zeros((count, side, side), np.float32)
    for cell in (2, 4, 8, 16, 32):
        lattice = random.standard_normal((count, side // cell + 1, side // cell + 1)).astype(np.float32)
        place = np.arange(side) / cell
        low = place.astype(int)
        part = (place - low).astype(np.float32)
        rows = lattice[:, low] * (1 - part)[:, None] + lattice[:, low + 1] * part[:, None]
        sum_of += rows[:, :, low] * (1 - part) + rows[:, :, low + 1] * part
    np.save(pairs, np.stack([np.arange(count), count - 1 - np.arange(count)], 1).astype(np.int32))
    np.save(path, np.clip(128 + 32 * sum_of, 0, 255).astype(np.uint8))


def measure(options):
    patches = np.load(options.patches)[:, None].astype(np.float32)
    expected = np.load(options.expected)
    inputs = [patches] if expected.ndim == 2 else [patches, np.ascontiguousarray(patches[::-1])]
    peer = PEERS[options.peer](options.network, options.precision, options.threads, inputs)
    got = np.concatenate([np.asarray(peer([one[i:i + 64] for one in inputs])).reshape(64, *expected.shape[1:])
                          for i in range(0, len(patches), 64)])
    scale = float(np.sqrt(np.mean(expected.astype(np.float64) ** 2)))
    error = float(np.sqrt(np.mean((got.astype(np.float64) - expected) ** 2))) / scale
    rate = 0.0
    for batch in BATCHES:
        block = [np.ascontiguousarray(one[:batch]) for one in inputs]
        peer(block)
        end = time.perf_counter() + SECONDS / len(BATCHES)
        while time.perf_counter() < end:
            start = time.perf_counter()
            peer(block)
            rate = max(rate, batch / (time.perf_counter() - start))
    print(json.dumps({"per_second": rate, "relative_error": error, "version": peer.version}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=[*PEERS, "make-patches"])
    parser.add_argument("arguments", nargs="+")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if options.peer == "make-patches":
        make_patches(*options.arguments)
        return
    options.precision, options.network, options.patches, options.expected = options.arguments
    measure(options)


if __name__ == "__main__":
    main()
