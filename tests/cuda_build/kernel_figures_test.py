#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""kernel_figures.py on ptxas's words, without a compiler."""
import tempfile
import unittest
from pathlib import Path

import kernel_figures

PTXAS = """ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '_Z4sortIfLi32EEvPT_i' for 'sm_90a'
ptxas info    : Function properties for _Z4sortIfLi32EEvPT_i
    8 bytes stack frame, 4 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 40 registers, used 1 barriers, 8 bytes cumulative stack size, 4096 bytes smem
ptxas info    : Compiling entry function '_Z4plusv' for 'sm_90a'
ptxas info    : Function properties for helper
    0 bytes stack frame, 99 bytes spill stores, 99 bytes spill loads
ptxas info    : Function properties for _Z4plusv
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 10 registers, used 0 barriers
"""


class KernelFigures(unittest.TestCase):
    def test_parses_what_ptxas_prints(self):
        figures = kernel_figures.parse(PTXAS)
        self.assertEqual(figures["_Z4sortIfLi32EEvPT_i"], {"registers": 40, "shared": 4096, "stack": 8, "spilled": 16})
        self.assertEqual(figures["_Z4plusv"], {"registers": 10, "shared": 0, "stack": 0, "spilled": 0})

    def test_names_are_short(self):
        names = kernel_figures.readable(["_Z4sortIfLi32EEvPT_i", "_Z4plusv"])
        self.assertEqual(names["_Z4sortIfLi32EEvPT_i"], "sort<float,32>")
        self.assertEqual(names["_Z4plusv"], "plus")

    def test_a_table_comes_back_as_it_was_written(self):
        table = {("a:k<1>", "80"): {"registers": 1, "shared": 2, "stack": 3, "spilled": 4}}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "table.txt"
            kernel_figures.write_table(path, "13.0.88", table)
            self.assertEqual(kernel_figures.read_table(path), ("13.0.88", table))
            path.write_text("a 80 1\n")
            with self.assertRaisesRegex(RuntimeError, "table.txt:1"):
                kernel_figures.read_table(path)

    def test_differences_are_named(self):
        def row(registers=10, shared=0, stack=0, spilled=0):
            return {"registers": registers, "shared": shared, "stack": stack, "spilled": spilled}

        recorded = {("k", "80"): row(), ("gone", "80"): row(), ("tight", "80"): row(spilled=8)}
        found = {("k", "80"): row(registers=12), ("new", "80"): row(), ("tight", "80"): row(spilled=8)}
        self.assertEqual(kernel_figures.compare(recorded, found, True),
                         ["gone for sm_80: in the table, not in the sources", "k for sm_80: registers 10 → 12",
                          "new for sm_80: not in the table"])
        found[("k", "80")] = row(registers=12, spilled=4)
        self.assertIn("k for sm_80: spills 4 bytes", kernel_figures.compare(recorded, found, False))
        self.assertNotIn("k for sm_80: registers 10 → 12", kernel_figures.compare(recorded, found, False))
        found[("tight", "80")] = row(spilled=16)
        self.assertIn("tight for sm_80: spills 16 bytes", kernel_figures.compare(recorded, found, True))


if __name__ == "__main__":
    unittest.main()
