"""The inside of a warm process: it has imported what programs need, and forks for each order.

It has one thread, no database connection, no socket but the one that orders come by, and has never
computed anything: a fork of it finds no lock held by a thread that isn't there.
Imports nothing of this project but `processes`.
"""

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from mlapi.child_process.processes import (
    DISK_FULL_STATUS,
    is_disk_full,
    set_name,
    signal_group,
)

_MESSAGE_MAX = 65_536
THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM", "BLIS")


def send(control: socket.socket, message: dict[str, Any]) -> None:
    """Send one message; the socket keeps their bounds."""
    control.send(json.dumps(message).encode())


def receive(control: socket.socket) -> dict[str, Any] | None:
    """The next message; None once the other side has closed, or ended."""
    try:
        content = control.recv(_MESSAGE_MAX)
    except ConnectionError:
        return None
    return json.loads(content) if content else None


def serve(control: socket.socket) -> None:
    """Fork for each order, one after another, until the other side closes."""
    gc.collect()
    gc.freeze()  # so that no collection writes to memory that the forks share
    while (order := receive(control)) is not None:
        if "module" in order:  # else a signal to a program that had just ended
            _carry_out(control, order)


def has_one_thread() -> bool:
    """Whether this process has no thread but its first, also none of a library."""
    return len(os.listdir("/proc/self/task")) == 1


def run_warm_process(
    module: str, control: socket.socket, environment: Mapping[str, str], folder: Path
) -> NoReturn:
    """Be the warm process of the module, after a fork.

    What the parent has open is closed, and its environment is gone; its memory is shared.
    """
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        own = control.detach()
        for descriptor in map(int, os.listdir("/proc/self/fd")):
            if descriptor > 2 and descriptor != own:
                with suppress(OSError):
                    os.close(descriptor)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.environ.clear()
        os.environ |= environment
        os.chdir(folder)
        set_name("evals-warm")
        status = _main(module, [str(own)])
    except BaseException:  # noqa: BLE001 - its parent starts another
        traceback.print_exc()
    finally:
        os._exit(status)


def _carry_out(control: socket.socket, order: dict[str, Any]) -> None:
    if not has_one_thread():
        raise SystemExit("A warm process has one thread, and this one has more.")
    pid = os.fork()
    if not pid:
        _run_program(control, order)
    with suppress(OSError):
        os.setpgid(pid, pid)  # here as well: whoever comes first
    send(control, {"pid": pid})
    send(control, {"status": _wait(control, pid)})


def _wait(control: socket.socket, pid: int) -> int:
    """The program's exit status once all of its process group has ended; passes signals on."""
    ended = os.pidfd_open(pid)
    both: list[Any] = [control, ended]
    try:
        while True:
            readable, _, _ = select.select(both, [], [])
            if ended in readable:
                break
            message = receive(control)
            signal_group(pid, signal.SIGKILL if message is None else message["signal"])
            if message is None:
                os._exit(0)
    finally:
        os.close(ended)
    # Before it is reaped: until then no other process can have its id.
    signal_group(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _run_program(control: socket.socket, order: dict[str, Any]) -> NoReturn:
    """Be the program of the order, from the fork to its end."""
    status = 1
    try:
        with suppress(OSError):
            os.setpgid(0, 0)
        control.close()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        set_name("evals-child")
        output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for stream in (1, 2):
            os.dup2(output, stream)
        os.close(output)
        _use_threads(order["threads"])
        status = _main(order["module"], order["arguments"])
    except BaseException as error:  # noqa: BLE001 - its parent reads the output
        if is_disk_full(error):
            status = DISK_FULL_STATUS
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)  # without the end of an interpreter, which takes a second


def _main(module: str, arguments: Sequence[str]) -> int:
    try:
        return importlib.import_module(module).main(list(arguments))
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)


def _use_threads(count: int) -> None:
    """Let numeric libraries use so many; the warm process itself starts with one of each."""
    os.environ |= {f"{name}_NUM_THREADS": str(count) for name in THREADS}
    if count > 1:
        from threadpoolctl import threadpool_limits

        threadpool_limits(count)
