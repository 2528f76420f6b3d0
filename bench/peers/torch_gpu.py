#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""PyTorch's rates on the same shapes as bench_engine: what twinpatch is compared with.

  torch_gpu.py [--device cuda] [--precisions fp16,tf32,fp32] [--cases tower,list,head_grid,l2_grid,l2_batch]
               [--seconds 0.5] [--budget 240] [--tiny] [--json FILE]

Networks run eager and through torch.compile(mode="max-autotune"), channels_last, in inference mode, with cudnn.benchmark:
eager at the best of several batches, compiled at that batch. They start from a float batch that lies on the device
already, which twinpatch makes itself from grey patches. Grids get the factored form of the decision head, as twinpatch
computes it, and run in chunks that keep the best of each row and of each column; the head on concatenated descriptors is
measured beside it.
Whatever does not fit the budget of seconds is written down as not measured, with the reason. The file is there from the
first case on and whole at every moment: a run that is stopped leaves what it has measured.
"""
import argparse
import json
import os
import statistics
import sys
import time

MODES = ("eager", "compiled")
CASES = ("tower", "list", "head_grid", "l2_grid", "l2_batch")


class Budget:
    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    def spent(self):
        return time.monotonic() > self.end


def network(torch, channels, head):
    nn = torch.nn
    layers = [nn.Conv2d(channels, 96, 7, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(96, 192, 5), nn.ReLU(),
              nn.MaxPool2d(2), nn.Conv2d(192, 256, 3), nn.ReLU(), nn.Flatten()]
    return nn.Sequential(*layers, *([nn.Linear(256, 1)] if head else [])).eval()


def time_runs(torch, device, work, seconds, least=3):
    """Seconds of each of several calls, sorted; the first ones, which compile, are not counted."""
    def wait():
        if device != "cpu":
            torch.cuda.synchronize()

    for _ in range(2):
        work()
        wait()
    times, start = [], time.perf_counter()
    while len(times) < least or time.perf_counter() - start < seconds:
        begin = time.perf_counter()
        work()
        wait()
        times.append(time.perf_counter() - begin)
    return sorted(times)


def row(case, precision, mode, unit, count, times, **more):
    def at(quantile):
        return times[round(quantile * (len(times) - 1))]

    return {"case": case, "precision": precision, "mode": mode, "unit": unit, "count": count, "runs": len(times),
            "median_per_second": count / statistics.median(times), "p10_per_second": count / at(0.9),
            "p90_per_second": count / at(0.1), **more}


def storage(torch, precision):
    return {"fp16": torch.float16, "bf16": torch.bfloat16}.get(precision, torch.float32)


def allow_tf32(torch, allowed):
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


def compiled(torch, function):
    return torch.compile(function, mode="max-autotune")


def measure_network(torch, options, case, precision, mode, budget, known):
    """The best batch: a short look at each, then the long one. known: the best one of the eager run, or None."""
    channels = 2 if case == "list" else 1
    net = network(torch, channels, case == "list").to(options.device, storage(torch, precision))
    net = net.to(memory_format=torch.channels_last)
    batches = [4, 8] if options.tiny else [1024, 4096, 16384]
    if mode == "compiled":  # compiling takes tens of seconds a batch
        batches = [known or 4096]
    run = compiled(torch, net) if mode == "compiled" else net
    best, compile_seconds = None, 0.0
    for batch in batches:
        if best is not None and budget.spent():
            break
        x = torch.randn(batch, channels, 64, 64, device=options.device, dtype=storage(torch, precision))
        x = x.contiguous(memory_format=torch.channels_last)
        begin = time.perf_counter()
        times = time_runs(torch, options.device, lambda: run(x), options.seconds / 4)
        compile_seconds = max(compile_seconds, time.perf_counter() - begin)
        if best is None or batch / times[len(times) // 2] > best[0]:
            best = (batch / times[len(times) // 2], batch, x)
    _, batch, x = best
    times = time_runs(torch, options.device, lambda: run(x), options.seconds)
    return row(case, precision, mode, "pairs" if case == "list" else "patches", batch, times, batch=batch,
               first_seconds=compile_seconds)


def keep_best(torch, scores, first, best, best_of_column):
    """What a chunk of rows leaves behind: its best per row, and the running best per column."""
    values, _ = scores.max(dim=1)
    best[first:first + scores.shape[0]] = values
    column_values, _ = scores.max(dim=0)
    torch.maximum(best_of_column, column_values, out=best_of_column)


def measure_head(torch, options, precision, mode, form):
    """Decision head over a grid: Σ w·relu(P+Q) + b by chunks of rows; or the layers on concatenated descriptors."""
    side, chunk = (64, 16) if options.tiny else ((16384, 8) if form == "factored" else (2048, 16))
    width = 512
    kind = storage(torch, precision)
    p = torch.randn(side, width, device=options.device, dtype=kind)
    q = torch.randn(side, width, device=options.device, dtype=kind)
    w = torch.randn(width, device=options.device, dtype=kind)
    first_layer = torch.nn.Linear(width, width).to(options.device, kind)

    def factored(part):
        return (torch.relu(part[:, None, :] + q[None, :, :]) * w).sum(-1)

    def concatenated(part):
        left = part[:, None, :256].expand(-1, side, -1)
        right = q[None, :, :256].expand(part.shape[0], -1, -1)
        return torch.relu(first_layer(torch.cat((left, right), -1))) @ w

    score = factored if form == "factored" else concatenated
    if mode == "compiled":
        score = compiled(torch, score)
    best = torch.empty(side, device=options.device, dtype=kind)
    columns = torch.full((side,), -1e4, device=options.device, dtype=kind)

    def work():
        for first in range(0, rows, chunk):
            keep_best(torch, score(p[first:first + chunk]), first, best, columns)

    rows = side if options.tiny else min(side, 256)  # of the grid: time per pair does not depend on how many
    times = time_runs(torch, options.device, work, options.seconds)
    return row("head_grid", precision, mode, "pairs", rows * side, times, form=form)


def measure_l2(torch, options, precision, mode):
    """Euclidean distances by a matrix product and norms, chunks of rows, best per row and column."""
    side, chunk = (64, 16) if options.tiny else (65536, 4096)
    kind = storage(torch, precision)
    a = torch.nn.functional.normalize(torch.randn(side, 256, device=options.device)).to(kind)
    b = torch.nn.functional.normalize(torch.randn(side, 256, device=options.device)).to(kind)
    norms = (b.float() ** 2).sum(1).to(kind)

    def score(part):
        return 2 * (part @ b.T) - norms  # minus the squared distance, up to the row's own norm

    if mode == "compiled":
        score = compiled(torch, score)
    best = torch.empty(side, device=options.device, dtype=kind)
    columns = torch.full((side,), -1e4, device=options.device, dtype=kind)

    def work():
        for first in range(0, side, chunk):
            keep_best(torch, score(a[first:first + chunk]), first, best, columns)

    return row("l2_grid", precision, mode, "pairs", side * side, time_runs(torch, options.device, work, options.seconds))


def measure_batch(torch, options, precision, mode):
    """One image against 25 others by Euclidean distance: the best two of each row in each image, the best of columns."""
    images, keypoints = (3, 40) if options.tiny else (25, 4096)
    kind = storage(torch, precision)
    a = torch.nn.functional.normalize(torch.randn(keypoints, 256, device=options.device)).to(kind)
    b = torch.nn.functional.normalize(torch.randn(images, keypoints, 256, device=options.device), dim=-1).to(kind)
    norms = (b.float() ** 2).sum(-1).to(kind)

    def select(left):
        scores = 2 * torch.matmul(left, b.transpose(1, 2)) - norms[:, None, :]
        return scores.topk(2, dim=2), scores.max(dim=1)

    run = compiled(torch, select) if mode == "compiled" else select
    times = time_runs(torch, options.device, lambda: run(a), options.seconds)
    return row("l2_batch", precision, mode, "pairs", images * keypoints ** 2, times)


def plan(precisions, cases):
    """Everything to measure, what matters most first."""
    jobs = [(case, precision, mode) for mode in MODES for precision in precisions for case in cases]
    if "head_grid" in cases:
        jobs += [("head_grid concatenated", precision, "eager") for precision in precisions]
    return jobs


def eager_batch(results, case, precision):
    """The batch that was best without compiling, or None."""
    return next((result.get("batch") for result in results if result["case"] == case and
                 result["precision"] == precision and result["mode"] == "eager"), None)


def measure(torch, options, job, budget, results):
    case, precision, mode = job
    allow_tf32(torch, precision == "tf32")
    if case in ("tower", "list"):
        return measure_network(torch, options, case, precision, mode, budget, eager_batch(results, case, precision))
    if case == "l2_grid":
        return measure_l2(torch, options, precision, mode)
    if case == "l2_batch":
        return measure_batch(torch, options, precision, mode)
    return measure_head(torch, options, precision, mode, "concatenated" if "concatenated" in case else "factored")


def not_measured(job, reason):
    case, precision, mode = job
    return {"case": case.split()[0], "precision": precision, "mode": mode, "not_measured": reason,
            **({"form": "concatenated"} if "concatenated" in case else {})}


def write_whole(path, text):
    with open(path + ".part", "w", encoding="utf-8") as out:
        out.write(text)
    os.replace(path + ".part", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--precisions", default="fp16,tf32,fp32")
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--seconds", type=float, default=0.5, help="of timed runs a case")
    parser.add_argument("--budget", type=float, default=240, help="seconds for everything")
    parser.add_argument("--tiny", action="store_true", help="sizes that only show that it runs")
    parser.add_argument("--json")
    options = parser.parse_args()
    cases = options.cases.split(",")
    if unknown := [case for case in cases if case not in CASES]:
        parser.error(f"no case {unknown[0]!r}; cases are {', '.join(CASES)}")
    try:
        import torch
    except ImportError as error:
        print(f"torch_gpu.py: PyTorch is missing: {error}", file=sys.stderr)
        return 1
    if options.device != "cpu" and not torch.cuda.is_available():
        print("torch_gpu.py: this PyTorch finds no GPU", file=sys.stderr)
        return 1
    if options.tiny:
        options.seconds = 0.0
    torch.backends.cudnn.benchmark = True
    budget = Budget(options.budget)
    jobs = plan(options.precisions.split(","), cases)
    results = [not_measured(job, "the run was stopped before it") for job in jobs]
    whole = {"torch": torch.__version__, "device": options.device, "tiny": options.tiny, "results": results}
    if options.device != "cpu":
        whole["device"] = torch.cuda.get_device_name(0)
    with torch.inference_mode():
        for place, job in enumerate(jobs):
            case, precision, mode = job
            if options.json:
                write_whole(options.json, json.dumps(whole, indent=1) + "\n")
            try:
                if mode == "compiled" and not hasattr(torch, "compile"):
                    raise RuntimeError(f"PyTorch {torch.__version__} has no torch.compile")
                if budget.spent():
                    raise RuntimeError("the budget of seconds was spent")
                result = measure(torch, options, job, budget, results)
                print(f"{case:<24} {precision} {mode:<9} {result['median_per_second']:12.4g} {result['unit']}/s",
                      file=sys.stderr)
            except Exception as error:  # a peer that fails is a result: written down, the others go on
                words = str(error).splitlines() or [type(error).__name__]
                result = not_measured(job, words[0][:300])
                print(f"{case:<24} {precision} {mode:<9} not measured: {words[0][:100]}", file=sys.stderr)
            results[place] = result
    text = json.dumps(whole, indent=1) + "\n"
    if options.json:
        write_whole(options.json, text)
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
