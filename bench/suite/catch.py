# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Test programs of Catch2, every case in a process of its own: a crash or a hang costs that case alone."""
import concurrent.futures
import os
import re
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ENDS = {"Failure", "Exception", "FatalErrorCondition"}


def names_of(session, program):
    """The cases of a program, in its order; none where it cannot even list them."""
    outcome = session.run([session.program(program), "--list-test-names-only"], 20)
    if "nrecogni" in outcome.output:  # Catch2 3
        outcome = session.run([session.program(program), "--list-tests", "--verbosity", "quiet"], 20)
    # Catch2 2 returns the number of cases, so that only signals and the loader's words tell of a failure.
    broken = any(words in outcome.output for words in ("error while loading", "not found (required by"))
    if outcome.code is None or outcome.code < 0 or broken:
        return [], outcome.why(20)
    names = [line.strip() for line in outcome.output.splitlines() if line.strip()]
    return names, "" if names else "it has no cases"


def pattern(name):
    """A case's name as Catch2's command line wants it."""
    return re.sub(r"([\\,\[\]*\"])", r"\\\1", name)


def failures_of(element):
    """(text, whether a limit may be what is wrong) of every failed check below an element, in order."""
    notes = []
    found = []
    for child in element:
        if child.tag == "Info":
            notes.append((child.text or "").strip())
        elif child.tag in ENDS or (child.tag == "Expression" and child.get("success") == "false"):
            text = " ".join("".join(child.itertext()).split())
            place = f"{Path(child.get('filename', '')).name}:{child.get('line', '')}"
            calibration = any(note.startswith("calibration:") for note in notes)
            found.append((" | ".join([place, text, *notes])[:600], calibration))
            notes = []
        elif child.tag == "Section":
            found += failures_of(child)
    return found


def verdict_of(xml):
    """Catch2's XML of one case → (verdict, words): passed, left out, calibration, failed."""
    root = ElementTree.fromstring(xml)
    cases = list(root.iter("TestCase"))
    if len(cases) != 1:
        return "failed", f"{len(cases)} cases ran instead of one"
    case = cases[0]
    failures = failures_of(case)
    if failures:
        real = [text for text, calibration in failures if not calibration]
        return ("failed", real[0]) if real else ("calibration", failures[0][0])
    result = case.find("OverallResult")
    if result is None or result.get("success") != "true":
        return "failed", "it says so without a failed check"
    skipped = re.search(r"skipped: ([^\n]*)", "\n".join(case.itertext()))
    return ("left out", skipped.group(1).strip()) if skipped else ("passed", "")


def run_case(session, program, name, prefix):
    handle, path = tempfile.mkstemp(dir=session.work, suffix=".xml")
    os.close(handle)
    command = [*prefix, session.program(program), pattern(name), "-r", "xml", "-o", path]
    limit = session.left()
    outcome = session.run(command, limit)
    result = {"program": program, "name": name, "seconds": round(outcome.seconds, 1)}
    xml = Path(path).read_text(encoding="utf-8", errors="replace")
    os.unlink(path)
    if outcome.code is None:
        return {**result, "verdict": "not reached", "words": outcome.why(limit)}
    try:
        verdict, words = verdict_of(xml)
    except ElementTree.ParseError:
        verdict, words = "failed", f"it ended without a result; {outcome.why(limit)}"
    if verdict != "failed" and "skipped: " in outcome.output:
        verdict, words = "left out", outcome.output.split("skipped: ", 1)[1].splitlines()[0].strip()
    if verdict in ("passed", "left out") and outcome.code != 0:  # a sanitizer's finding
        verdict, words = "failed", outcome.why(limit)
    return {**result, "verdict": verdict, "words": words}


def run_cases(session, cases, prefix=(), workers=1):
    """Runs (program, name) pairs side by side; those that the step's time does not reach, or cuts off, are said to be so.
    What failed beside others runs once more alone: the device's memory is then its own."""
    def one(case):
        if session.left() <= 0:
            return {"program": case[0], "name": case[1], "seconds": 0.0, "verdict": "not reached", "words": ""}
        return run_case(session, *case, prefix)

    with concurrent.futures.ThreadPoolExecutor(max_workers=workers) as pool:
        results = list(pool.map(one, cases))
    if workers > 1:
        for place, result in enumerate(results):
            if result["verdict"] != "failed" or session.left() < 5:
                continue
            again = run_case(session, result["program"], result["name"], prefix)
            if again["verdict"] == "not reached":
                continue
            if again["verdict"] == "passed":
                again["words"] = f"alone; beside others: {result['words']}"
            results[place] = again
    return results


def summary(results):
    """Counts of verdicts, and every case that did not simply pass."""
    counts = {}
    for result in results:
        counts[result["verdict"]] = counts.get(result["verdict"], 0) + 1
    return {"counts": counts, "cases": [r for r in results if r["verdict"] != "passed" or r["words"]]}
