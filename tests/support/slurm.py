"""A Slurm of two nodes on this machine, for tests: as root or as any user, on the loopback device.

Debian's Slurm allows several slurmd on one machine. Each node says that it has 4 CPUs and 2 GPUs,
which are two devices that every machine has. Everything lives in one folder; what was started is
stopped when the `with` block ends.

By hand: `python3 tests/support/slurm.py FOLDER` starts one and keeps it until it is interrupted.
"""

import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time

PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol"]
DAEMONS = ["munged", "slurmctld", "slurmd"]
SECONDS = 60  # a bound against hanging
NODES = ["n1", "n2"]

CONFIGURATION = """\
ClusterName=t
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser={user}
SlurmdUser={user}
SlurmctldPidFile={dir}/slurmctld.pid
SlurmdPidFile={dir}/slurmd-%n.pid
StateSaveLocation={dir}/state
SlurmdSpoolDir={dir}/spool-%n
SlurmctldLogFile={dir}/log/slurmctld
SlurmdLogFile={dir}/log/slurmd-%n
AuthInfo=socket={dir}/munge/sock,cred_expire=5
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=bf_interval=1,sched_min_interval=0,batch_sched_delay=0,sched_interval=2
SlurmctldParameters=preempt_send_user_signal
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=5
SlurmdTimeout=300
ReturnToService=2
MailProg=/bin/true
MpiDefault=none
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=n[1-2] NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]}-{ports[2]} CPUs=4 \
RealMemory=4000 Gres=gpu:2 State=UNKNOWN
PartitionName=low Nodes=n[1-2] Default=YES MaxTime=INFINITE PriorityTier=1 PreemptMode=REQUEUE \
GraceTime=10
PartitionName=high Nodes=n[1-2] MaxTime=INFINITE PriorityTier=10 PreemptMode=OFF
"""
DEVICES = "AutoDetect=off\nNodeName=n[1-2] Name=gpu File=/dev/null,/dev/zero Flags=nvidia_gpu_env\n"


def why_not():
    """Why none can be started here; None if one can."""
    missing = [name for name in PROGRAMS if program(name) is None]
    if missing:
        return f"{', '.join(missing)} not installed (slurm-wlm, munge)"
    try:
        socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    except OSError:
        return f"this machine's name, {socket.gethostname()}, has no address"
    return None


def program(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def free_ports():
    """One port and two that follow each other, free at this moment."""
    while True:
        held = [socket.socket() for _ in range(3)]
        try:
            held[0].bind(("127.0.0.1", 0))
            held[1].bind(("127.0.0.1", 0))
            ports = [sock.getsockname()[1] for sock in held[:2]]
            held[2].bind(("127.0.0.1", ports[1] + 1))
            return [*ports, ports[1] + 1]
        except (OSError, OverflowError):
            continue
        finally:
            for sock in held:
                sock.close()


class Slurm:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.own = {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}  # the daemons'
        self.environment = self.own  # of who submits
        self.daemons = {}

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print(self.logs(), flush=True)
        self.stop()

    def start(self):
        for name in ["state", "spool-n1", "spool-n2", "log", "munge"]:
            (self.folder / name).mkdir(parents=True)
        for folder in [self.folder / "munge", self.folder, self.folder.parent]:
            folder.chmod(0o711)  # munged wants its socket within everybody's reach
        key = self.folder / "munge/key"
        key.touch(0o600)
        key.write_bytes(os.urandom(1024))
        (self.folder / "slurm.conf").write_text(CONFIGURATION.format(
            host=socket.gethostname().split(".")[0], user=pwd.getpwuid(os.getuid()).pw_name,
            dir=self.folder, ports=free_ports()))
        (self.folder / "gres.conf").write_text(DEVICES)
        # nothing uses it, but one that fits is looked for and must be found
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        munge = self.folder / "munge"
        self.daemon("munged", "--foreground", f"--key-file={key}", f"--socket={munge / 'sock'}",
                    f"--pid-file={munge / 'pid'}", f"--log-file={munge / 'log'}",
                    f"--seed-file={munge / 'seed'}")
        self.until(lambda: (munge / "sock").exists(), "munged answers")
        self.start_controller("-c")
        for node in NODES:
            self.start_node(node)
        self.until(lambda: set(self.states()) == {"idle"}, "both nodes are idle")

    def daemon(self, name, *arguments, key=None):
        """In a session of its own, so that a signal to the test's group does not reach it."""
        with open(self.folder / f"log/{key or name}.out", "ab") as log:
            self.daemons[key or name] = subprocess.Popen(
                [program(name), *arguments], env=self.own, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)

    def start_controller(self, *arguments):
        self.daemon("slurmctld", "-D", *arguments)

    def start_node(self, node):
        self.daemon("slurmd", "-D", "-N", node, key=node)

    def end(self, key, number=signal.SIGTERM):
        process = self.daemons[key]
        process.send_signal(number)
        process.wait(SECONDS)

    def call(self, *command, check=True, **more):
        """A client of Slurm; what it printed."""
        done = subprocess.run([str(word) for word in command], env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=SECONDS, check=False, **more)
        if check and done.returncode != 0:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def states(self):
        return self.call("sinfo", "-h", "-N", "-o", "%t", check=False).split()

    def queue(self):
        """{id of the job or the task of an array: its state}, of what is not over."""
        lines = self.call("squeue", "-h", "-r", "-o", "%i %T", check=False).splitlines()
        return dict(line.split() for line in lines)

    def until(self, fact, what, seconds=SECONDS):
        end = time.monotonic() + seconds
        while True:
            found = fact()
            if found:
                return found
            if time.monotonic() > end:
                raise AssertionError(f"never happened: {what}\n{self.logs()}")
            time.sleep(0.05)

    def logs(self):
        return "".join(f"== {path.name}\n" + "".join(
            path.read_text(errors="replace").splitlines(keepends=True)[-15:])
            for path in sorted((self.folder / "log").glob("*")))

    def stop(self):
        """Ends every job, then the daemons, those of the nodes first."""
        if self.daemons.get("slurmctld") and self.daemons["slurmctld"].poll() is None:
            self.call("scancel", *(self.queue() or ["0"]), check=False)
        for key in reversed(list(self.daemons)):
            process = self.daemons[key]
            if process.poll() is None:
                process.terminate()
        for process in self.daemons.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def main():
    with Slurm(pathlib.Path(sys.argv[1]).absolute()) as slurm:
        print(f"export SLURM_CONF={slurm.folder}/slurm.conf", flush=True)
        signal.sigwait([signal.SIGINT, signal.SIGTERM])


if __name__ == "__main__":
    main()
