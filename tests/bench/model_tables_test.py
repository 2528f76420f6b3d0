#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""What bench/models/tables.py makes of figures, and where it puts it. Needs neither models nor data."""
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench/models"))
import peers  # noqa: E402
import tables  # noqa: E402


class TablesTest(unittest.TestCase):
    def test_rows_keep_their_order_and_gaps_are_dashes(self):
        table = tables.Table(["a", "b"])
        table.put("second", "b", "2")
        table.put("first", "a", "1")
        self.assertEqual(table.text(), "|  | a | b |\n|---|---|---|\n| second | – | 2 |\n| first | 1 | – |\n")

    def test_counts_tell_near_misses_apart(self):
        pair = {"within_1_2_3_pixels": [1, 2, 3], "near_misses": 4, "mutual": 9}
        self.assertEqual(tables.counts(pair), "1 2 3 +4 of 9")

    def test_the_document_has_a_place_for_every_table(self):
        text = tables.DOCUMENT.read_text()
        for name in ("separation", "matching"):
            self.assertIn("new\n", tables.replaced(text, name, "new\n"))
            self.assertEqual(tables.replaced(tables.replaced(text, name, "new\n"), name, "new\n"),
                             tables.replaced(text, name, "new\n"))
        with self.assertRaises(SystemExit):
            tables.replaced(text, "missing", "new\n")

    @unittest.skipUnless(peers.available(), "no OpenCV with xfeatures2d")
    def test_fpr95_counts_others_up_to_the_threshold(self):
        import numpy
        distance = numpy.concatenate([numpy.arange(20.0), [17.5, 18, 18.5, 30]])
        match = numpy.arange(24) < 20
        self.assertEqual(peers.fpr95(distance, match), 2 / 4)  # 19 of 20 matches are within 18


if __name__ == "__main__":
    unittest.main()
