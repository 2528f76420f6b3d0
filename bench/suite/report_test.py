#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
import json
import tempfile
import unittest
from pathlib import Path

import report


def ours(case, precision, rate):
    return {"case": case, "precision": precision, "unit": "patches", "median_per_second": rate}


def theirs(case, precision, mode, rate, **more):
    return {**ours(case, precision, rate), "mode": mode, **more}


class Report(unittest.TestCase):
    def test_the_best_peer_of_the_same_case_precision_and_form_counts(self):
        peers = [theirs("tower", "fp16", "eager", 3e6), theirs("tower", "fp16", "compiled", 4e6),
                 theirs("tower", "fp32", "eager", 9e6), theirs("head_grid", "fp16", "eager", 5e9, form="concatenated"),
                 {"case": "tower", "precision": "tf32", "mode": "compiled", "not_measured": "time"}]
        self.assertEqual(report.best_peer(peers, "tower", "fp16"), (4e6, "compiled"))
        self.assertIsNone(report.best_peer(peers, "head_grid", "fp16"))
        self.assertIsNone(report.best_peer(peers, "tower", "tf32"))

    def test_goals_need_rate_and_ratio(self):
        peers = [theirs("tower", "fp16", "eager", 5e6), theirs("list", "fp16", "eager", 1e6)]
        engine = [ours("tower", "fp16", 7e6), ours("list", "fp16", 6e6), ours("head_grid", "fp32", 9e9),
                  {"case": "l2_grid", "precision": "fp16", "skipped": "no device"}]
        verdicts = {verdict["case"]: verdict for verdict in report.goals(report.compare(engine, peers))}
        self.assertFalse(verdicts["tower"]["reached"])  # fast, but 1.4 times PyTorch
        self.assertTrue(verdicts["list"]["reached"])
        self.assertFalse(verdicts["head_grid"]["reached"])
        self.assertNotIn("reached", verdicts["l2_grid"])
        self.assertNotIn("measured_per_second", verdicts["l2_grid"])

    def test_a_run_is_held_against_its_slowest_stage(self):
        result = {**ours("end_to_end", "fp16", 1e6), "timed_seconds": 1.1, "stage_seconds": {"read": 1.0, "copy": 0.5},
                  "device_per_second": 2e6}
        row = report.compare([result], [])[0]
        self.assertEqual(row["slowest_stage"], "read")
        self.assertAlmostEqual(row["beyond_slowest_stage"], 0.1)
        self.assertEqual(row["twinpatch_computing"], 2e6)
        self.assertTrue(report.goals([row])[-1]["reached"])
        row["beyond_slowest_stage"] = 0.2
        self.assertFalse(report.goals([row])[-1]["reached"])

    def test_a_folder_becomes_one_file_and_a_table(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "engine.json").write_text(json.dumps({"device": "cuda:0", "tiny": False, "results": [
                ours("tower", "fp16", 7e6), {"case": "list", "precision": "fp16", "skipped": "reason"}]}))
            (folder / "pytorch.json").write_text(json.dumps({"results": [theirs("tower", "fp16", "eager", 3.5e6)]}))
            (folder / "fused.json").write_text(json.dumps({"results": [
                ours("tower", "fp16", 9e6), ours("list", "fp16", 1e6), ours("tower", "bf16", 9e6)]}))
            (folder / "steps.jsonl").write_text('{"step": "ncu", "status": "skipped", "seconds": 0, "reason": "none"}\n')
            (folder / "ncu.csv").write_text(
                '==PROF== words\n"ID","Kernel Name","gpu__time_duration.sum"\n"","","us"\n"0","grid","1,234.5"\n')
            (folder / "host.json").write_text('{"gpu": "H200"}')
            whole = report.make_report(folder, 12.0, "abc")
            self.assertEqual(whole["comparison"][0]["ratio"], 2.0)
            self.assertEqual(whole["ncu"], [{"kernel": "grid", "gpu__time_duration.sum": 1234.5}])
            self.assertIn("goals", whole)
            text = report.table(whole)
            self.assertIn("| tower | fp16 | 7 M patches | 3.5 M (eager) | 2.00 |", text)
            self.assertIn("not measured: reason", text)
            self.assertEqual(whole["fused"], [{"case": "tower", "precision": "fp16", "fused": 9e6, "library": 7e6}])
            self.assertIn("fused tower, fp16: 9 M, the library 7 M", text)
            self.assertIn("ncu: skipped, 0 s: none", text)
            out = folder / "results" / "file.json"
            report.write_whole(out, json.dumps(whole))
            self.assertEqual(json.loads(out.read_text())["commit"], "abc")
            self.assertEqual([entry.name for entry in out.parent.iterdir()], ["file.json"])

    def test_no_rate_of_a_rehearsal_is_kept(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "engine.json").write_text(json.dumps({"device": "cpu", "tiny": True, "results": [
                {**ours("tower", "fp32", 7e6), "p10_per_second": 7e6, "stage_seconds": {"read": 1.625}},
                {"case": "list", "precision": "fp32", "skipped": "reason"}]}))
            (folder / "pytorch.json").write_text(json.dumps({"device": "cpu", "tiny": True, "results": [
                theirs("tower", "fp32", "eager", 7e6), {"case": "list", "precision": "fp32", "mode": "eager",
                                                        "not_measured": "another"}]}))
            for whole in (report.make_report(folder, 1.0, "abc", True), report.make_report(folder, 1.0, "abc")):
                text = json.dumps(whole) + report.table(whole)
                self.assertNotIn("per_second\": 7", text)
                self.assertNotIn("7 M", text)
                self.assertNotIn("1.625", text)
                self.assertIn("| tower | fp32 | not measured: a rehearsal on the CPU | | |", text)
                self.assertIn("| list | fp32 | not measured: reason | | |", text)
                self.assertEqual([row["ran"] for row in whole["twinpatch"]["results"]], [True, False])
                self.assertEqual([row["ran"] for row in whole["pytorch"]["results"]], [True, False])
                self.assertTrue(whole["rehearsal"])
                self.assertNotIn("goals", whole)

    def test_a_peer_that_was_not_measured_says_why(self):
        peers = [{"case": "tower", "precision": "fp16", "mode": "eager", "not_measured": "no time"}]
        rows = report.compare([ours("tower", "fp16", 7e6)], peers)
        text = report.table({"host": {}, "comparison": rows, "steps": []})
        self.assertIn("| tower | fp16 | 7 M patches | not measured: no time | – |", text)

    def test_nothing_measured_is_nothing_written(self):
        with tempfile.TemporaryDirectory() as name:
            whole = report.make_report(Path(name), 0.0, "")
            self.assertEqual(whole["comparison"], [])
            self.assertTrue(all("reached" not in verdict for verdict in whole["goals"]))


if __name__ == "__main__":
    unittest.main()
