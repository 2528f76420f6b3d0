# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""The steps of the GPU suite. Each returns (status, words): done, partial (named in not_done), or failed."""
import csv
import json
import os
import re
import shutil
import sys
from pathlib import Path

import catch

# cuDNN compiles longest for the first one's convolutions; the others' cases run beside them.
TEST_PROGRAMS = ("test_cuda_library", "test_cuda", "test_backend_gpu")
CASES = json.loads(Path(__file__).with_name("cases.json").read_text(encoding="utf-8"))
GPU_FIELDS = ("name", "driver_version", "compute_cap", "clocks.sm", "clocks.max.sm", "power.limit", "memory.total")
METRICS = ("gpu__time_duration.sum", "sm__throughput.avg.pct_of_peak_sustained_elapsed",
           "dram__throughput.avg.pct_of_peak_sustained_elapsed", "lts__throughput.avg.pct_of_peak_sustained_elapsed",
           "sm__warps_active.avg.pct_of_peak_sustained_active", "launch__registers_per_thread")
OUR_KERNELS = "kernel_substring=twinpatch"


def workers():
    return max(1, min(8, (os.cpu_count() or 2) // 2))


def bench(session, job, *more):
    command = [session.program("bench_engine"), "--device", "cuda:0", "--cases", job["case"], "--precisions",
               job["precision"], "--kernels", job["kernels"], "--folder", str(session.work), *more]
    return command + (["--tiny"] if session.rehearsal else [])


def by_hand(job, *more):
    return " ".join(["bin/bench_engine --device cuda:0 --cases", job["case"], "--precisions", job["precision"],
                     "--kernels", job["kernels"], *more])


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def preflight(session):
    """Whether anything can be measured here at all: driver, device, libraries, one tiny case a precision."""
    host = session.found["host"]
    query = ["nvidia-smi", f"--query-gpu={','.join(GPU_FIELDS)}", "--format=csv,noheader", "-i", "0"]
    smi = session.run(query, 10, own=False)
    if smi.code == 0:
        host.update(zip(GPU_FIELDS, (word.strip() for word in smi.output.strip().splitlines()[-1].split(","))))
    listed = session.run([session.program("bench_engine"), "--devices"], 20)
    host["found"] = listed.output.strip().splitlines()
    host["usable"] = False
    if listed.code != 0:
        return "failed", f"no device: {'; '.join(host['found'])[:400] or listed.why(20)}"
    refused = []
    for precision in ("fp32", "fp16", "tf32", "bf16"):
        job = {"case": "l2_grid", "precision": precision, "kernels": "library"}
        command = bench(session, job)
        outcome = session.run(command if "--tiny" in command else [*command, "--tiny"], 20)
        if outcome.code != 0:
            refused.append(f"{precision}: {outcome.why(20)}")
    if len(refused) == 4:
        return "failed", "no precision runs: " + "; ".join(refused)
    host["usable"] = True
    return ("failed", "; ".join(refused)) if refused else ("done", "; ".join(host["found"])[:300])


def cases(session):
    """Every job of cases.json in a process of its own, the goals first."""
    measured = session.found["measured"]
    failed = 0
    for job in CASES["jobs"]:
        key = {name: job[name] for name in ("case", "precision", "kernels")}
        if session.left() < 3:
            measured.append({**key, "not_measured": "the step's time was spent before it"})
            session.not_done(f"case {'/'.join(key.values())}", "time", by_hand(job))
            continue
        path = session.work / "case.json"
        path.unlink(missing_ok=True)
        outcome = session.run(bench(session, job, "--verbose", "--seconds", "1", "--json", str(path)), 40)
        results = (read_json(path) or {}).get("results", [])
        result = results[0] if results else {"skipped": outcome.why(40)}
        if outcome.code != 0 and "skipped" not in result:
            result = {"skipped": outcome.why(40)}
        if "skipped" in result:
            failed += 1
            measured.append({**key, "not_measured": outcome.why(40) if outcome.code is None else result["skipped"]})
            session.not_done(f"case {'/'.join(key.values())}", measured[-1]["not_measured"], by_hand(job, "--verbose"))
        else:
            measured.append(result)
        session.write()
    rates = [row for row in measured if "median_per_second" in row]
    words = f"{len(rates)} of {len(CASES['jobs'])} measured"
    if failed or not rates:
        return "failed", words
    return ("done" if len(rates) == len(CASES["jobs"]) else "partial"), words


def read_errors(path):
    """The worst measured error of every row of tolerances that no device had measured."""
    rows = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            name, worst, nmse = line.split()
            row = rows.setdefault(name, {"row": name, "worst_error": 0.0, "nmse": 0.0, "comparisons": 0})
            row["worst_error"] = max(row["worst_error"], float(worst))
            row["nmse"] = max(row["nmse"], float(nmse))
            row["comparisons"] += 1
    return [rows[name] for name in sorted(rows)]


def judge(session, what, results, command):
    """Verdicts of test cases → status and words; names what is still to do."""
    counts = catch.summary(results)["counts"]
    words = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
    for result in results:
        if result["verdict"] == "not reached":
            session.not_done(f"{what}: {result['program']}: {result['name']}", "time",
                             f"{command} bin/{result['program']} \"{catch.pattern(result['name'])}\"")
    if not results or counts.get("failed"):
        return "failed", words or "no test ran"
    return ("done" if not (counts.keys() & {"not reached", "calibration"}) else "partial"), words


def tests(session):
    """The tests that need a GPU. Those for several devices are left out by name."""
    everything, broken = [], []
    for program in TEST_PROGRAMS:
        names, why = catch.names_of(session, program)
        everything += [(program, name) for name in names]
        if why:
            broken.append(f"{program}: {why}")
    results = catch.run_cases(session, everything, workers=workers())
    session.found["tests"] = catch.summary(results)
    session.found["tests"]["seconds"] = {r["name"]: r["seconds"] for r in results if r["program"] == "test_cuda"}
    session.found["tolerances"] = read_errors(session.work / "errors.txt")
    status, words = judge(session, "tests", results, "TWINPATCH_REQUIRE_GPU=1")
    return ("failed", "; ".join([words, *broken])) if broken else (status, words)


def read_ncu(text):
    """Kernels of `ncu --csv --page raw`: name and metrics; the row of units has no ID."""
    lines = [line for line in text.splitlines() if line.startswith('"')]
    kernels = []
    for row in csv.DictReader(lines):
        if not row.get("ID"):
            continue
        numbers = {}
        for name, value in row.items():
            if name and "__" in name and re.fullmatch(r"[\d,.]+", value or ""):
                numbers[name] = float(value.replace(",", ""))
        kernels.append({"kernel": row.get("Kernel Name", "")[:120], **numbers})
    return kernels


def ncu(session):
    """Counters of our kernels, a filter per case. Clocks stay as they are."""
    jobs = [job for job in CASES["jobs"] if "ncu" in job]
    start = ["ncu", "--clock-control", "none", "--csv", "--page", "raw"]
    metrics = ["--metrics", ",".join(METRICS)]
    hand = "ncu --clock-control none --set full -c 3 -k regex:"

    def all_by_hand(why):
        for job in jobs:
            session.not_done(f"ncu of {job['case']}/{job['precision']}/{job['kernels']}", why,
                             f"{hand}'{job['ncu']}' {by_hand(job, '--seconds 0')}")
        return "partial", why

    if shutil.which("ncu") is None:
        return all_by_hand("ncu is not on this host")
    probe = bench(session, {"case": "head_grid", "precision": "fp32", "kernels": "library"}, "--seconds", "0")
    probe += [] if session.rehearsal else ["--tiny"]
    outcome = session.run([*start, "-c", "1", "--metrics", METRICS[0], *probe], 20)
    if "ERR_NVGPUCTRPERM" in outcome.output:
        return all_by_hand("this host does not let its counters be read (ERR_NVGPUCTRPERM)")
    if outcome.code != 0:
        all_by_hand("the probe failed")
        return "failed", f"a probe of one kernel: {outcome.why(20)}"
    failed = []
    for job in jobs:
        name = f"{job['case']}/{job['precision']}/{job['kernels']}"
        command = [*start, "-c", "4", "-k", f"regex:{job['ncu']}", *metrics, *bench(session, job, "--seconds", "0")]
        outcome = session.run(command, 15) if session.left() > 3 else None
        kernels = read_ncu(outcome.output) if outcome else []
        key = {name: job[name] for name in ("case", "precision", "kernels")}
        session.found["ncu"] += [{**key, **kernel} for kernel in kernels]
        if not kernels:
            why = "time" if outcome is None or outcome.code is None else outcome.why(15)
            session.not_done(f"ncu of {name}", why, f"{hand}'{job['ncu']}' {by_hand(job, '--seconds 0')}")
            if why != "time":
                failed.append(f"{name}: {why}")
    done = len(jobs) - sum("ncu of" in item["what"] for item in session.found["not_done"])
    words = "; ".join([f"{done} of {len(jobs)} cases", *failed])
    return ("failed" if failed else "done" if done == len(jobs) else "partial"), words


def sanitizer(tool):
    def check(session):
        """Our kernels alone: the tests of test_cuda, those that were fastest without it first."""
        prefix = ["compute-sanitizer", "--tool", tool, "--error-exitcode", "9", "--kernel-name", OUR_KERNELS]
        if tool == "memcheck":  # tests ask for more memory than there is on purpose
            prefix += ["--report-api-errors", "no"]
        if shutil.which("compute-sanitizer") is None:
            why = "compute-sanitizer is not on this host"
            session.not_done(tool, why, f"{' '.join(prefix)} bin/test_cuda")
            return "partial", why
        names, why = catch.names_of(session, "test_cuda")
        if why:
            return "failed", why
        seconds = session.found["tests"].get("seconds", {})
        names.sort(key=lambda name: seconds.get(name, 60.0))
        results = catch.run_cases(session, [("test_cuda", name) for name in names], prefix, workers=workers())
        session.found["sanitizers"][tool] = catch.summary(results)
        return judge(session, tool, results, " ".join(prefix))
    return check


def python_with_torch(session):
    """The first Python that has PyTorch, or None."""
    for candidate in (os.environ.get("TWINPATCH_PYTHON"), sys.executable, "python3", "/usr/bin/python3"):
        if not candidate:
            continue
        look = [candidate, "-c", "import importlib.util as u; raise SystemExit(u.find_spec('torch') is None)"]
        if session.run(look, 10, own=False).code == 0:
            return candidate
    return None


def pytorch(session):
    """The same shapes with PyTorch: fp16, eager and compiled, at its best batch."""
    precision = "fp32" if session.rehearsal else "fp16"  # PyTorch's CPU has no convolutions in fp16
    more = ["--precisions", precision, "--cases", "tower,list,l2_grid,l2_batch"]
    hand = "python3 suite/torch_gpu.py " + " ".join(more)
    python = python_with_torch(session)
    if python is None:
        why = "no Python here has PyTorch (set TWINPATCH_PYTHON)"
        session.not_done("PyTorch beside it", why, hand)
        return "partial", why
    path = session.work / "pytorch.json"
    budget = max(5.0, session.left() - 10)
    program = str(session.root / "suite" / "torch_gpu.py")
    command = [python, program, *more, "--budget", f"{budget:.0f}", "--json", str(path)]
    command += ["--device", "cpu", "--tiny"] if session.rehearsal else []
    limit = session.left()
    outcome = session.run(command, limit, own=False)
    session.found["pytorch"] = read_json(path) or {}
    rows = session.found["pytorch"].get("results", [])
    missing = [row for row in rows if "not_measured" in row]
    for row in missing:
        session.not_done(f"PyTorch {row['case']} {row['precision']} {row['mode']}", row["not_measured"], hand)
    words = f"{len(rows) - len(missing)} of {len(rows)} measured"
    if outcome.code not in (0, None) or len(missing) == len(rows):
        return "failed", f"{words}; {outcome.why(limit)}"
    return ("done" if not missing else "partial"), words


# name, seconds allowed, work. The sum is what a run takes at most; see docs/profiling.md.
ALL = (("preflight", 30, preflight), ("cases", 150, cases), ("tests", 100, tests), ("ncu", 45, ncu),
       ("memcheck", 25, sanitizer("memcheck")), ("racecheck", 25, sanitizer("racecheck")), ("pytorch", 100, pytorch))
