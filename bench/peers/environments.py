# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Makes a Python environment for each peer, so that none decides on another's NumPy, OpenMP or BLAS."""
import importlib.metadata
import os
import subprocess
import sys

# What is measured, pinned: figures of other releases are other figures. PyTorch's wheels need a GPU's libraries, several
# GB of them: Debian's build (python3-torch) is taken.
PACKAGES = {
    "onnxruntime": ["onnxruntime==1.32.0", "numpy"],
    "openvino": ["openvino==2026.4.1", "nncf==3.4.0", "numpy"],
    "opencv": ["opencv-python-headless==5.0.0.93", "numpy"],
    "pytorch": ["onnx<1.17", "numpy<1.25"],
    "faiss": ["faiss-cpu==1.15.1", "numpy"],
    "pycolmap": ["pycolmap==4.2.1", "numpy"],
    "chart": ["matplotlib==3.11.2"],
}
DEBIAN = {"pytorch"}


def python_of(folder, peer):
    return os.path.join(folder, peer, "bin", "python")


def make(folder, peer):
    """The peer's python; installs what is missing. Raises CalledProcessError where the registry has it not."""
    python = python_of(folder, peer)
    mark = os.path.join(folder, peer, "installed")
    wanted = " ".join(PACKAGES[peer])
    if os.path.exists(mark) and open(mark).read() == wanted:
        return python
    base = "/usr/bin/python3" if peer in DEBIAN else sys.executable
    flags = ["--system-site-packages"] if peer in DEBIAN else []
    subprocess.run([base, "-m", "venv", *flags, os.path.join(folder, peer)], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES[peer]],
                   check=True, stdout=sys.stderr)
    with open(mark, "w") as out:
        out.write(wanted)
    return python


def clean_environment(threads):
    """This environment with so many threads for OpenMP, and without what a host sets for its own BLAS."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    return {**kept, "OMP_NUM_THREADS": str(threads)}


def version(*names):
    """Of the first of the packages that is installed in the environment that runs this."""
    for name in names:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "unknown"
