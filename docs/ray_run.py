# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""The shards of one run on a Ray cluster; see ray.md.

    python ray_run.py SHARDS RUN colmap DATABASE --images DIR [more options of twinpatch]

RUN lies where all nodes see it. The last call, on this machine, writes the result from the finished blocks.
"""
import subprocess
import sys
import time

import ray

ATTEMPTS = 5  # of a shard, whose worker or node may die


@ray.remote(max_retries=ATTEMPTS - 1)  # Ray starts a task again when its worker or node dies
def run_shard(command, shard):
    """Blocks that are done are not done again, wherever the shard ran before."""
    done = subprocess.run(command + ["--shard", shard], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode < 0:  # the program itself was killed: as good as a worker that died
        raise ChildProcessError(f"shard {shard} was ended by signal {-done.returncode}")
    return shard, done.returncode, done.stderr


def main(shards, folder, *arguments):
    ray.init(address="auto")
    cpus = max(1, int(min(node["Resources"].get("CPU", 1) for node in ray.nodes() if node["Alive"])))
    command = ["twinpatch", *arguments, "--run", folder]
    task = run_shard.options(num_cpus=cpus, retry_exceptions=[ChildProcessError])
    started = time.time()
    waiting = [task.remote(command + ["--threads", str(cpus)], f"{n}/{shards}") for n in range(1, int(shards) + 1)]
    failed = []
    while waiting:
        ready, waiting = ray.wait(waiting)
        try:
            shard, code, words = ray.get(ready[0])
        except (ray.exceptions.RayError, ChildProcessError) as error:
            shard, code, words = "?", 1, str(error)
        print(f"{time.time() - started:.1f} s: shard {shard} ended with {code}", flush=True)
        if code not in (0, 3):  # 3: done, with images left out
            failed.append(words.strip())
    if failed:
        sys.exit("\n".join(failed) + "\nrun the same command again to resume")
    sys.exit(subprocess.run(command).returncode)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
