#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""What the report makes of measurements, and what Catch2's XML says about a test."""
import json
import sys
import unittest
from pathlib import Path

SUITE = Path(__file__).resolve().parents[2] / "bench" / "suite"
sys.path.insert(0, str(SUITE))
import catch  # noqa: E402
import report  # noqa: E402
import steps  # noqa: E402


def ours(case, precision, rate, kernels="library", **more):
    return {"case": case, "precision": precision, "kernels": kernels, "unit": "pairs", "median_per_second": rate, **more}


def theirs(case, precision, mode, rate, **more):
    return {"case": case, "precision": precision, "mode": mode, "unit": "pairs", "median_per_second": rate, **more}


def found(**more):
    return {"rehearsal": False, "finished": True, "commit": "abc", "started": "2026-01-02T03:04:05Z",
            "host": {"name": "NVIDIA H200", "compute_cap": "9.0"}, "steps": [], "measured": [], "pytorch": {}, "tests": {},
            "tolerances": [], "ncu": [], "sanitizers": {}, "not_done": [], **more}


def complete(**more):
    return report.complete(found(**more), SUITE.parent)


class Report(unittest.TestCase):
    def test_the_best_peer_of_the_same_case_precision_and_form_counts(self):
        peers = [theirs("tower", "fp16", "eager", 3e6), theirs("tower", "fp16", "compiled", 4e6),
                 theirs("tower", "fp32", "eager", 9e6), theirs("head_grid", "fp16", "eager", 5e9, form="concatenated"),
                 {"case": "tower", "precision": "tf32", "mode": "compiled", "not_measured": "time"}]
        self.assertEqual(report.best_peer(peers, "tower", "fp16"), (4e6, "compiled"))
        self.assertIsNone(report.best_peer(peers, "head_grid", "fp16"))
        self.assertIsNone(report.best_peer(peers, "tower", "tf32"))

    def test_rates_goals_and_ratios_that_fall_short_are_listed_and_others_are_not(self):
        wanted = {"precision": "fp16", "kernels": "library", "predicted": [5, 7]}
        jobs = [{"case": "a", **wanted, "goal": 6, "goal_over_pytorch": 1.5}, {"case": "b", **wanted, "goal": 6},
                {"case": "c", **wanted}]
        rows = report.compare([ours("a", "fp16", 5.5), ours("b", "fp16", 6.0),
                               {**ours("c", "fp16", 0), "median_per_second": None, "not_measured": "no device"}],
                              [theirs("a", "fp16", "eager", 5.0)])
        short = report.short_of(rows, jobs)
        self.assertEqual([(row["case"], row["what"]) for row in short], [("a", "goal"), ("a", "ratio to PyTorch")])
        self.assertAlmostEqual(short[0]["share"], 5.5 / 6)
        rows = report.compare([ours("a", "fp16", 4.0)], [])
        self.assertEqual([row["what"] for row in report.short_of(rows, jobs)], ["prediction", "goal"])

    def test_other_kernels_are_not_taken_for_those_of_a_job(self):
        jobs = [{"case": "a", "precision": "fp16", "kernels": "fused", "goal": 6}]
        self.assertEqual(report.short_of(report.compare([ours("a", "fp16", 1.0)], []), jobs), [])

    def test_a_run_is_held_against_its_slowest_stage(self):
        result = ours("end_to_end", "fp16", 1e6, timed_seconds=1.1, stage_seconds={"read": 1.0, "copy": 0.5})
        job = {"case": "end_to_end", "precision": "fp16", "kernels": "library"}
        rows = report.compare([result], [])
        self.assertEqual(rows[0]["slowest_stage"], "read")
        self.assertAlmostEqual(rows[0]["beyond_slowest_stage"], 0.1)
        self.assertEqual(report.short_of(rows, [job]), [])
        rows[0]["beyond_slowest_stage"] = 0.2
        self.assertIn("slowest stage (read)", report.short_of(rows, [job])[0]["what"])

    def test_fused_beside_library_makes_a_row_of_the_measured_table(self):
        both = [ours("l2_grid", "fp16", 4e11), ours("l2_grid", "fp16", 8e11, "fused")]
        self.assertEqual(complete(measured=both)["kernel_rows"],
                         ['{90, "fused metric", Precision::fp16, 8e+11, 4e+11, "NVIDIA H200, 2026-01-02"},'])
        self.assertEqual(complete(measured=both[1:])["kernel_rows"], [])
        self.assertEqual(complete(measured=both, rehearsal=True)["kernel_rows"], [])

    def test_tables_and_lists_name_what_was_and_was_not_measured(self):
        whole = complete(
            measured=[ours("tower", "fp16", 7e6), ours("l2_grid", "fp16", 1e11),
                      {"case": "list", "precision": "fp16", "kernels": "library", "not_measured": "a | b"}],
            pytorch={"torch": "2.11", "results": [theirs("tower", "fp16", "eager", 3.5e6), {
                "case": "l2_grid", "precision": "fp16", "mode": "eager", "not_measured": "no time"}]},
            steps=[{"step": "ncu", "status": "partial", "seconds": 1, "limit": 45, "words": "none here"}],
            not_done=[{"what": "ncu of tower", "why": "forbidden", "command": "ncu x"}],
            tolerances=[{"row": "kScoreFp16", "worst_error": 0.001234, "nmse": 1e-7, "comparisons": 3}])
        text = report.markdown(whole)
        self.assertIn("| tower | fp16 | library | 7 M pairs | 3.5 M (eager) | 2.00 |", text)
        self.assertIn("| list | fp16 | library | not measured: a \\| b | | |", text)
        self.assertIn("| l2_grid | fp16 | library | 100 G pairs | not measured: no time | – |", text)
        self.assertIn("- l2_grid fp16 library: prediction 350 G, measured 100 G (29%)", text)
        self.assertIn("- ncu of tower (forbidden): `ncu x`", text)
        self.assertIn("- kScoreFp16: 0.0012, nmse 1e-07 (3 comparisons)", text)
        json.dumps(whole)

    def test_no_rate_of_a_rehearsal_is_kept(self):
        whole = complete(rehearsal=True, measured=[ours("tower", "fp16", 7e6, stage_seconds={"read": 1.625})],
                         pytorch={"results": [theirs("tower", "fp16", "eager", 7e6)]},
                         ncu=[{"case": "a", "precision": "fp16", "kernels": "library", "kernel": "k", "gpu__time": 1.625}])
        text = json.dumps(whole) + report.markdown(whole)
        for number in ("7000000", "7 M", "1.625"):
            self.assertNotIn(number, text)
        self.assertIn("| tower | fp16 | library | not measured: a rehearsal | | |", text)
        self.assertTrue(whole["measured"][0]["ran"])

    def test_every_job_is_a_case_once_with_an_ascending_prediction(self):
        jobs = steps.CASES["jobs"]
        keys = [(job["case"], job["precision"], job["kernels"]) for job in jobs]
        self.assertEqual(len(set(keys)), len(keys))
        for job in jobs:
            low, high = job.get("predicted", [1, 2])
            self.assertLess(low, high)

    def test_the_limits_of_the_steps_add_up_to_eight_minutes_at_most(self):
        self.assertLessEqual(sum(limit for _, limit, _ in steps.ALL), 480)

    def test_ncu_kernels_have_their_numbers_and_the_row_of_units_is_left_out(self):
        text = '==PROF== words\n"ID","Kernel Name","gpu__time_duration.sum"\n"","","us"\n"0","grid","1,234.5"\n'
        self.assertEqual(steps.read_ncu(text), [{"kernel": "grid", "gpu__time_duration.sum": 1234.5}])


def case(inside, success="false"):
    result = f'<OverallResult success="{success}"/>'
    return f'<Catch name="t"><Group><TestCase name="n">{inside}{result}</TestCase></Group></Catch>'


CHECK = ('<Expression success="false" type="CHECK" filename="/a/b.cpp" line="7">'
         "<Original>x</Original><Expanded>1</Expanded></Expression>")


class Verdict(unittest.TestCase):
    def test_a_passed_case(self):
        self.assertEqual(catch.verdict_of(case("", "true")), ("passed", ""))

    def test_a_skipped_case_is_left_out_with_its_reason(self):
        self.assertEqual(catch.verdict_of(case("<Warning>skipped: this case needs 2 CUDA devices</Warning>", "true")),
                         ("left out", "this case needs 2 CUDA devices"))

    def test_only_failures_of_unmeasured_limits_are_calibration(self):
        note = "<Info>calibration: no device has measured kScoreFp16; worst element 3</Info>"
        verdict, words = catch.verdict_of(case(f"<Section>{note}{CHECK}</Section>"))
        self.assertEqual(verdict, "calibration")
        self.assertIn("kScoreFp16", words)
        verdict, words = catch.verdict_of(case(note + CHECK + CHECK.replace("7", "8")))
        self.assertEqual(verdict, "failed")
        self.assertTrue(words.startswith("b.cpp:8"), words)

    def test_an_exception_and_a_case_that_did_not_run_fail(self):
        self.assertEqual(catch.verdict_of(case('<Exception filename="b.cpp" line="1">bad</Exception>'))[0], "failed")
        self.assertEqual(catch.verdict_of('<Catch name="t"><Group/></Catch>')[0], "failed")

    def test_names_are_escaped_for_the_command_line(self):
        self.assertEqual(catch.pattern("a, b [c]*"), "a\\, b \\[c\\]\\*")


if __name__ == "__main__":
    unittest.main()
