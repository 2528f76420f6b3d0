# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""A run of the GPU suite: its time, the commands it starts, and what it has found so far, on disk after every step."""
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import report

LEAST = 5.0  # seconds that a step is begun with
MOST_OF_COMMAND = 40_000  # characters of one command's output that the log keeps: the last ones
MOST_LOG = 12_000_000  # characters of the log; behind them only what failed is kept
NOT_STARTED = -1000  # in place of the exit code


@dataclass
class Outcome:
    """How a command ended. code: None where its time was up."""
    code: int | None
    output: str
    seconds: float

    def why(self, limit):
        if self.code is None:
            return f"not done within {limit:.0f} s"
        words = [line.strip() for line in self.output.splitlines() if line.strip()]
        if self.code == NOT_STARTED:
            return self.output
        return f"exit code {self.code}: {words[-1][:300] if words else 'no output'}"


def write_whole(path, text):
    """The file appears whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
    os.chmod(name, 0o644)
    os.replace(name, path)


@dataclass
class Session:
    root: Path  # of the unpacked suite: bin, lib, suite
    out: Path  # report.json, report.md and log.txt
    minutes: float
    manifest: dict
    found: dict = field(default_factory=dict)  # the report, as it grows

    def __post_init__(self):
        self.started = time.monotonic()
        self.end = self.started + 60 * self.minutes
        self.step_end = self.end
        self.lock = threading.Lock()
        self.rehearsal = bool(self.manifest.get("stand_in"))
        self.work = Path(tempfile.mkdtemp(prefix="work-", dir=self.root))
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / "log.txt").write_text("", encoding="utf-8")
        self.found.update(schema="twinpatch.bench.gpu_suite/1", finished=False, rehearsal=self.rehearsal,
                          commit=self.manifest.get("commit", ""),
                          started=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                          host={}, steps=[], measured=[], pytorch={}, tests={}, tolerances=[], ncu=[], sanitizers={},
                          not_done=[])

    # Time.
    def left(self):
        """Seconds that the step under way still has."""
        return self.step_end - time.monotonic()

    # Commands.
    def environment(self):
        more = {"LD_LIBRARY_PATH": ":".join(filter(None, (str(self.root / "lib"), os.environ.get("LD_LIBRARY_PATH")))),
                "TWINPATCH_CACHE": str(self.work / "cache"), "TWINPATCH_REQUIRE_GPU": "1",
                "TWINPATCH_MEASURED_ERRORS": str(self.work / "errors.txt")}
        return {**os.environ, **more}

    def program(self, name):
        return str(self.root / "bin" / name)

    def run(self, command, limit, own=True):
        """Runs a command within `limit` seconds, and within those of the step; own: with the suite's libraries."""
        begin = time.monotonic()
        limit = max(0.1, min(limit, self.left()))
        try:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                       errors="replace", start_new_session=True, cwd=self.work,
                                       stdin=subprocess.DEVNULL, env=self.environment() if own else None)
        except OSError as error:
            return Outcome(NOT_STARTED, str(error), 0.0)
        try:
            output, _ = process.communicate(timeout=limit)
            code = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            code = None
        outcome = Outcome(code, output, time.monotonic() - begin)
        self.log(command, outcome)
        return outcome

    def log(self, command, outcome):
        ended = "killed at its limit" if outcome.code is None else f"exit code {outcome.code}"
        with self.lock, open(self.out / "log.txt", "a", encoding="utf-8") as log:
            if outcome.code != 0 or log.tell() < MOST_LOG:
                log.write(f"$ {' '.join(map(str, command))}\n{outcome.output[-MOST_OF_COMMAND:]}\n"
                          f"[{outcome.seconds:.1f} s, {ended}]\n\n")

    # Results.
    def not_done(self, what, why, command):
        """Something that this run could not do, and the command that does it."""
        self.found["not_done"].append({"what": what, "why": why, "command": command})

    def write(self):
        self.found["seconds"] = round(time.monotonic() - self.started, 1)
        whole = report.complete(self.found, self.root)
        write_whole(self.out / "report.json", json.dumps(whole, indent=1) + "\n")
        write_whole(self.out / "report.md", report.markdown(whole))

    def step(self, name, limit, work):
        """One step: work(session) returns (status, words); what it found is on disk when this returns."""
        begin = time.monotonic()
        self.step_end = min(begin + limit, self.end)
        if self.step_end - begin < LEAST:
            status, words = "failed", "the time was spent before it"
            self.not_done(name, words, f"run the suite again with --steps {name}")
        else:
            try:
                status, words = work(self)
            except Exception as error:  # a fault of this step's own: written down, the others go on
                status, words = "failed", f"{type(error).__name__}: {error}"
        seconds = time.monotonic() - begin
        self.found["steps"].append({"step": name, "status": status, "seconds": round(seconds, 1), "limit": limit,
                                    "words": words})
        self.write()
        print(f"gpu_suite: {name}: {status}, {seconds:.0f} s{': ' + words if words else ''}", flush=True)
        return status
