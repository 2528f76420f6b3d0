#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""files_page.py TWINPATCH docs/files.md: the page's listings write a model that twinpatch reads, and compute its hash."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile


def main(program, page):
    listings = re.findall(r"```python\n(.*?)```", pathlib.Path(page).read_text(encoding="utf-8"), re.DOTALL)
    assert len(listings) == 2, f"expected two listings, found {len(listings)}"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([sys.executable, "-c", listings[0]], cwd=folder, check=True)

        def twinpatch(*arguments):
            return subprocess.run([program, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout

        def shown(file):
            return json.loads(twinpatch("model", "show", file, "--json"))

        mine = shown("mine.safetensors")
        assert mine["parameters"] == 8 * 81 + 8, mine
        names = {}
        exec(listings[1], names)  # the page is ours
        for store in "fp32", "fp16", "bf16", "int8":
            twinpatch("model", "convert", "mine.safetensors", store, "--store", store)
            found, expected = names["model_hash"](folder / store), shown(store)["hash"]
            assert found == expected, f"{store}: the page's hash is {found}, twinpatch's {expected}"
        assert shown("fp32")["hash"] == mine["hash"]
        two_towers = {"version": 1, "name": "t", "summary": "", "input": [4, 4], "coupling": "pseudo_siamese",
                      "streams": [{"view": "whole", "layers": [{"kind": "linear", "in": 16, "out": 2}]}],
                      "decision": {"kind": "layers", "layers": [{"kind": "linear", "in": 4, "out": 1}]}}
        shapes = {f"{side}.0.0.{field}": shape for side in ("left", "right")
                  for field, shape in {"weight": [2, 16], "bias": [2]}.items()}
        shapes |= {"decision.0.weight": [1, 4], "decision.0.bias": [1]}
        edited = re.sub(r"network = .*?\nheader", f"network = {two_towers!r}\nheader", listings[0], flags=re.DOTALL)
        edited = re.sub(r"in \{.*?\}\.items\(\)", f"in {shapes!r}.items()", edited)
        subprocess.run([sys.executable, "-c", edited], cwd=folder, check=True)
        twinpatch("model", "convert", "mine.safetensors", "towers")
        assert names["model_hash"](folder / "towers") == shown("towers")["hash"]


main(*sys.argv[1:])
