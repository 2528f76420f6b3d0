#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
# A job array of a real Slurm over the shards of a run: one task is killed with SIGKILL and requeued, one is requeued
# while it runs; the result must be that of an undisturbed run, byte for byte. Starts a private munged, slurmctld and
# slurmd of this machine in a scratch folder and ends them. Usage: slurm_test.sh RUN_PROGRAM
set -euo pipefail
program=${1:?usage: slurm_test.sh RUN_PROGRAM}
for tool in slurmctld slurmd sbatch scontrol squeue munged; do
  PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed"; exit 0; }
done
[ "$(id -u)" = 0 ] || { echo "skipped: slurmd needs root"; exit 0; }
PATH=$PATH:/usr/sbin

scratch=$(mktemp -d /tmp/twinpatch-slurm-XXXXXX)
chmod 755 "$scratch"
daemons=()
finish() {
  for id in "${daemons[@]}"; do kill "$id" 2>/dev/null || true; done
  for id in "${daemons[@]}"; do wait "$id" 2>/dev/null || true; done
  rm -rf "$scratch"
}
trap finish EXIT
fail() { echo "slurm_test: $*" >&2; tail -n 30 "$scratch"/*.log >&2 || true; exit 1; }

mkdir -p "$scratch"/{munge,state,spool,run}
chmod 700 "$scratch/munge"
dd if=/dev/urandom of="$scratch/munge/key" bs=1024 count=1 status=none
chmod 400 "$scratch/munge/key"
munged --foreground --force --key-file="$scratch/munge/key" --socket="$scratch/munge.socket" \
  --pid-file="$scratch/munge/pid" --seed-file="$scratch/munge/seed" --log-file="$scratch/munge/log" \
  >"$scratch/munged.log" 2>&1 &
daemons+=($!)

host=$(hostname -s)
port=$((20000 + RANDOM % 20000))
cat >"$scratch/slurm.conf" <<CONF
ClusterName=twinpatch
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$scratch/munge.socket
CredType=cred/munge
SlurmctldPort=$port
SlurmdPort=$((port + 1))
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
JobRequeue=1
KillWait=5
MpiDefault=none
StateSaveLocation=$scratch/state
SlurmdSpoolDir=$scratch/spool
SlurmctldPidFile=$scratch/slurmctld.pid
SlurmdPidFile=$scratch/slurmd.pid
SlurmctldLogFile=$scratch/slurmctld.log
SlurmdLogFile=$scratch/slurmd.log
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$scratch/slurm.conf
for _ in $(seq 50); do [ -S "$scratch/munge.socket" ] && break; sleep 0.2; done
slurmctld -D -c >"$scratch/slurmctld.out.log" 2>&1 &
daemons+=($!)
slurmd -D >"$scratch/slurmd.out.log" 2>&1 &
daemons+=($!)
for _ in $(seq 100); do sinfo -h -o %T 2>/dev/null | grep -q idle && break; sleep 0.3; done
sinfo -h -o %T 2>/dev/null | grep -q idle || fail "the node did not become idle"

# The undisturbed run, then the array. Blocks are slowed down so that tasks are met at work.
"$program" "$scratch/straight" 30 1/1
cat >"$scratch/array.sbatch" <<JOB
#!/usr/bin/env bash
#SBATCH --array=3-9:2
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=$scratch/task-%a.log
echo "\$SLURM_ARRAY_TASK_ID \$\$" >>"$scratch/starts"
exec "$program" "$scratch/shared" 30 slurm 0 60
JOB
job=$(sbatch --parsable "$scratch/array.sbatch")

blocks() { ls "$scratch/shared/blocks" 2>/dev/null | grep -c '\.block$' || true; }
for _ in $(seq 200); do [ "$(blocks)" -ge 4 ] && break; sleep 0.1; done
[ "$(blocks)" -ge 4 ] || fail "no block after 20 s"
victim=$(awk '$1 == 3 { print $2; exit }' "$scratch/starts")
kill -9 "$victim" || fail "task 3 had ended before it could be killed"
for _ in $(seq 100); do squeue -h -r -j "${job}_3" -t R 2>/dev/null | grep -q . || break; sleep 0.1; done
scontrol requeue "${job}_3" || fail "task 3 cannot be requeued"
scontrol requeue "${job}_5" || fail "task 5 cannot be requeued" # as a preemption does: SIGTERM, then SIGKILL
# A requeued task waits for a while by Slurm's own rule; not in this test.
for _ in $(seq 600); do
  scontrol update jobid="${job}_3" starttime=now >/dev/null 2>&1 || true
  scontrol update jobid="${job}_5" starttime=now >/dev/null 2>&1 || true
  squeue -h -r -j "$job" 2>/dev/null | grep -q . || break
  sleep 0.5
done
squeue -h -r -j "$job" 2>/dev/null | grep -q . && fail "the array did not end: $(squeue -h -r -j "$job")"
[ "$(grep -c '^3 ' "$scratch/starts")" -ge 2 ] || fail "task 3 was not started again"
[ "$(grep -c '^5 ' "$scratch/starts")" -ge 2 ] || fail "task 5 was not started again"

diff -r "$scratch/straight/blocks" "$scratch/shared/blocks" || fail "the array's blocks are not those of one run"
echo "slurm_test: $(blocks) blocks of 4 tasks, $(wc -l <"$scratch/starts") starts, equal to one undisturbed run"
