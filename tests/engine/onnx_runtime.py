#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""onnx_runtime.py FOLDER: runs every NAME.onnx in it on NAME.INPUT.npy and writes NAME.out.npy."""
import pathlib
import sys

import numpy
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 2
options.log_severity_level = 3
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    inputs = {i.name: numpy.load(file.with_suffix(f".{i.name}.npy")) for i in session.get_inputs()}
    numpy.save(file.with_suffix(".out.npy"), session.run(None, inputs)[0])
