#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Whole runs of the GPU suite with scripts in place of programs and tools: what it writes, and how it ends."""
import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "bench" / "suite"))
import run  # noqa: E402
import session  # noqa: E402
import steps  # noqa: E402

BENCH = """#!/bin/sh
[ "$1" = --devices ] && { echo "$DEVICES"; [ "$DEVICES" != none ]; exit $?; }
while [ $# -gt 0 ]; do
  case "$1" in --cases) case=$2 ;; --precisions) precision=$2 ;; --kernels) kernels=$2 ;; --json) json=$2 ;; esac
  shift
done
[ "$case/$kernels" = "$BROKEN" ] && { echo "illegal address"; exit 1; }
[ -z "$json" ] || echo '{"results": [{"case": "'$case'", "precision": "'$precision'", "kernels": "'$kernels'",
  "unit": "pairs", "median_per_second": 1e11}]}' > "$json"
"""
TEST = """#!/bin/sh
[ "$1" = --list-test-names-only ] && { echo one; echo two; exit 2; }
name=$1; while [ $# -gt 0 ]; do [ "$1" = -o ] && out=$2; shift; done
inside=; success=true
if [ "$name" = "$FAILS" ]; then inside="<Failure>wrong</Failure>"; success=false; fi
if [ "$name" = two ] && [ -z "$FAILS" ]; then inside="<Warning>skipped: this case needs 2 CUDA devices</Warning>"; fi
[ "$name" = "$HANGS" ] && sleep 30
echo "kLayerFp16 0.001 1e-07" >> "$TWINPATCH_MEASURED_ERRORS"
echo "<Catch><TestCase name='$name'>$inside<OverallResult success='$success'/></TestCase></Catch>" > "$out"
[ "$success" = true ]
"""
TORCH = """#!/bin/sh
[ "$1" = -c ] && exit 0
while [ $# -gt 0 ]; do [ "$1" = --json ] && json=$2; shift; done
echo '{"torch": "0", "results": [{"case": "l2_grid", "precision": "fp16", "mode": "eager", "unit": "pairs",
  "median_per_second": 5e10}]}' > "$json"
"""
JOBS = {"device": "a stand-in", "jobs": [
    {"case": "l2_grid", "precision": "fp16", "kernels": "library", "goal": 2e11, "ncu": "select_"},
    {"case": "l2_grid", "precision": "fp16", "kernels": "fused"}]}


class Run(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.root, self.out = self.folder / "root", self.folder / "out"
        for part in ("bin", "stubs", "suite"):
            (self.root / part).mkdir(parents=True)
        self.script("bin/bench_engine", BENCH)
        self.script("bin/test_cuda", TEST)
        self.script("stubs/python", TORCH)
        for tool in ("nvidia-smi", "ncu", "compute-sanitizer"):
            shutil.copy(PROJECT / "tests" / "bench" / "stub_tool.sh", self.root / "stubs" / tool)
        (self.root / "suite" / "cases.json").write_text(json.dumps(JOBS))
        (self.root / "manifest.json").write_text('{"commit": "abc", "stand_in": false}')
        path = f"{self.root / 'stubs'}:{os.environ['PATH']}"
        self.environment = {"PATH": path, "DEVICES": "a card", "TWINPATCH_PYTHON": str(self.root / "stubs" / "python")}

    def script(self, name, text):
        (self.root / name).write_text(text)
        (self.root / name).chmod(0o755)

    def run_suite(self, names=None, minutes=1.0, all_steps=steps.ALL, **environment):
        with mock.patch.dict(os.environ, {**self.environment, **environment}), \
                mock.patch.object(steps, "CASES", JOBS), mock.patch.object(steps, "TEST_PROGRAMS", ("test_cuda",)), \
                contextlib.redirect_stdout(io.StringIO()):
            status = run.run(self.root, self.out, minutes, names, all_steps)
        self.assertEqual(sorted(path.name for path in self.out.iterdir()), ["log.txt", "report.json", "report.md"])
        return status, json.loads((self.out / "report.json").read_text())

    def test_a_run_where_everything_can_be_done(self):
        status, whole = self.run_suite()
        self.assertEqual({step["step"]: step["status"] for step in whole["steps"]},
                         {name: "done" for name, _, _ in steps.ALL}, whole["steps"])
        self.assertEqual((status, whole["finished"], whole["not_done"]), (0, True, []))
        self.assertEqual(whole["tests"]["counts"], {"passed": 1, "left out": 1})
        self.assertEqual(whole["tolerances"], [{"row": "kLayerFp16", "worst_error": 0.001, "nmse": 1e-07, "comparisons": 2}])
        self.assertEqual(whole["ncu"][0]["kernel"], "stub")
        self.assertEqual(whole["sanitizers"]["racecheck"]["counts"], {"passed": 1, "left out": 1})
        self.assertEqual([row["what"] for row in whole["short"]], ["goal"])
        self.assertEqual(whole["comparison"][0]["ratio"], 2.0)
        self.assertEqual(len(whole["kernel_rows"]), 1)
        self.assertEqual(whole["host"]["driver_version"], "none")

    def test_the_limits_of_all_steps_are_what_the_manual_says_and_within_eight_minutes(self):
        limits = sum(limit for _, limit, _ in steps.ALL)
        self.assertLessEqual(limits, 60 * run.MINUTES)
        for page, words in (("docs/profiling.md", f"That is {limits} s at most"), ("README.md", f"in {limits} s at most")):
            self.assertIn(words, (PROJECT / page).read_text(encoding="utf-8"), page)

    def test_a_host_without_a_device_says_so_at_once(self):
        status, whole = self.run_suite(DEVICES="none")
        self.assertEqual((status, len(whole["steps"])), (1, 1))
        self.assertIn("no device: none", whole["steps"][0]["words"])
        self.assertEqual([item["what"] for item in whole["not_done"]], [name for name, _, _ in steps.ALL[1:]])

    def test_a_case_that_breaks_costs_itself_alone(self):
        status, whole = self.run_suite(["cases"], BROKEN="l2_grid/fused")
        self.assertEqual(status, 1)
        self.assertEqual([row.get("not_measured") for row in whole["measured"]], [None, "exit code 1: illegal address"])
        self.assertIn("--kernels fused", whole["not_done"][0]["command"])

    def test_a_failed_test_fails_the_run_and_a_program_without_tests_too(self):
        status, whole = self.run_suite(["tests"], FAILS="two")
        self.assertEqual((status, whole["tests"]["counts"]), (1, {"passed": 1, "failed": 1}))
        self.assertIn("## Failed", (self.out / "report.md").read_text())
        (self.root / "bin" / "test_cuda").unlink()
        self.assertEqual(self.run_suite(["tests"])[0], 1)

    def test_a_test_that_the_time_does_not_reach_is_named_with_its_command(self):
        short = (steps.ALL[0], ("tests", 0.4, steps.tests))
        with mock.patch.object(session, "LEAST", 0.1):
            status, whole = self.run_suite(all_steps=short, HANGS="two", FAILS="none")
        self.assertEqual((status, whole["tests"]["counts"]), (3, {"passed": 1, "not reached": 1}))
        self.assertEqual(whole["not_done"][0]["command"], 'TWINPATCH_REQUIRE_GPU=1 bin/test_cuda "two"')

    def test_counters_that_may_not_be_read_are_no_failure_and_name_the_command(self):
        status, whole = self.run_suite(["ncu"], STUB_NCU="forbidden")
        self.assertEqual((status, whole["steps"][1]["status"]), (3, "partial"))
        self.assertIn("ERR_NVGPUCTRPERM", whole["not_done"][0]["why"])
        self.assertIn("-k regex:'select_'", whole["not_done"][0]["command"])

    def test_when_the_time_is_spent_every_step_is_named(self):
        status, whole = self.run_suite(["tests", "ncu"], minutes=0)
        self.assertEqual(status, 1)
        self.assertEqual([item["what"] for item in whole["not_done"]], ["preflight", "tests", "ncu"])


if __name__ == "__main__":
    unittest.main()
