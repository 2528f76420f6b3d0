#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""torch_convert.py TWINPATCH [TFEAT.params]: files of PyTorch itself become models whose descriptors are PyTorch's."""
import json
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy
    import torch
except ImportError as missing:
    print(f"skipped: no PyTorch for this Python ({missing})")
    sys.exit(0)
from torch import nn


def tfeat():
    """Balntas et al. 2016: https://github.com/vbalnt/tfeat, tfeat_model.py."""
    net = nn.Module()
    net.features = nn.Sequential(nn.InstanceNorm2d(1, affine=False), nn.Conv2d(1, 32, 7), nn.Tanh(), nn.MaxPool2d(2, 2),
                                 nn.Conv2d(32, 64, 6), nn.Tanh())
    net.descr = nn.Sequential(nn.Linear(64 * 8 * 8, 128), nn.Tanh())
    return net, lambda x: net.descr(net.features(x).flatten(1))


def l2_net(dropout):
    layers, channels = [], 1
    for out, kernel, stride, padding in ((32, 3, 1, 1), (32, 3, 1, 1), (64, 3, 2, 1), (64, 3, 1, 1), (128, 3, 2, 1),
                                         (128, 3, 1, 1), (128, 8, 1, 0)):
        if out == 128 and kernel == 8:
            layers.append(nn.Dropout(dropout))
        layers += [nn.Conv2d(channels, out, kernel, stride, padding, bias=False), nn.BatchNorm2d(out, affine=False), nn.ReLU()]
        channels = out
    return layers[:-1]


def hardnet():
    """Mishchuk et al. 2017: https://github.com/DagnyT/hardnet, code/HardNet.py."""
    net = nn.Module()
    net.features = nn.Sequential(*l2_net(0.3))

    def run(x):
        flat = x.flatten(1)
        mean, deviation = flat.mean(1)[:, None, None, None], flat.std(1)[:, None, None, None] + 1e-7
        return nn.functional.normalize(net.features((x - mean) / deviation).flatten(1))
    return net, run


def sosnet():
    """Tian et al. 2019: https://github.com/scape-research/SOSNet, sosnet_model.py; the same in kornia."""
    net = nn.Module()
    net.features = nn.Sequential(nn.InstanceNorm2d(1, affine=False), *l2_net(0.1))
    length = nn.LocalResponseNorm(256, alpha=256.0, beta=0.5, k=0.0)
    return net, lambda x: length(net.features(x) + 1e-10).flatten(1)


def main(program, *published):
    torch.manual_seed(7)
    numpy.random.seed(7)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        smooth = numpy.random.rand(20, 8, 8).repeat(4, 1).repeat(4, 2) * 200
        patches = (smooth + numpy.random.rand(20, 32, 32) * 55).astype(numpy.uint8)
        numpy.save(folder / "patches.npy", patches)

        def compare(network, weights, run):
            twin = [program, "model", "convert", str(weights), str(folder / "m"), "--network", network, "--json"]
            report = json.loads(subprocess.run(twin, check=True, capture_output=True, text=True).stdout)
            assert not report["unused"] or all(n.endswith("num_batches_tracked") for n in report["unused"]), report
            subprocess.run([program, "describe", str(folder / "patches.npy"), "-m", str(folder / "m"), "-o",
                            str(folder / "d.npy"), "--device", "cpu", "--quiet"], check=True)
            ours = numpy.load(folder / "d.npy")
            with torch.no_grad():
                theirs = run(torch.from_numpy(patches.astype(numpy.float32))[:, None]).numpy()
            error = numpy.abs(ours - theirs).max()
            assert error < 2e-5 and numpy.abs(theirs).max() > 0.1, f"{network} from {weights}: differs by {error}"
            print(f"{network} from {pathlib.Path(weights).name}: largest difference {error:.2g}")

        for network, (net, run) in {"tfeat": tfeat(), "hardnet": hardnet(), "sosnet": sosnet()}.items():
            for module in net.modules():  # statistics as of a trained network
                if isinstance(module, nn.BatchNorm2d):
                    module.running_mean.normal_(0, 0.1)
                    module.running_var.uniform_(0.5, 1.5)
            net.eval()
            state = net.state_dict()
            torch.save({"epoch": 9, "state_dict": state, "optimizer": {"state": {0: {"momentum": torch.ones(3)}}}}, folder / "new.pth")
            torch.save({"epoch": 9, "state_dict": state, "optimizer": {"state": {0: {"momentum": torch.ones(3)}}}}, folder / "old.pth",
                       _use_new_zipfile_serialization=False)
            torch.save(dict(net.named_parameters()), folder / "parameters.pth")
            for file in ["new.pth", "old.pth"] + ["parameters.pth"] * (network == "tfeat"):
                compare(network, folder / file, run)
            layers = nn.Sequential(*[layer for layer in net.features if not isinstance(layer, nn.InstanceNorm2d)],
                                   nn.Flatten(1), *getattr(net, "descr", []))  # without the normalisation of patches
            torch.onnx.export(layers.eval(), torch.zeros(1, 1, 32, 32), str(folder / "net.onnx"), input_names=["x"],
                              dynamic_axes={"x": {0: "N"}})
            compare(network, folder / "net.onnx", run)
            torch.save(net, folder / "module.pth")
            refused = subprocess.run([program, "model", "convert", str(folder / "module.pth"), str(folder / "x"), "--network", network],
                                     capture_output=True, text=True)
            assert refused.returncode == 1 and "a pickle that uses torch.nn.modules" in refused.stderr, refused.stderr
            if network == "tfeat":
                for weights in published:
                    net.load_state_dict(torch.load(weights, map_location="cpu"))
                    compare(network, weights, run)


main(*sys.argv[1:])
