# SPDX-License-Identifier: ISC
"""Mounts and ports that are nobody else's and end with us. All of it needs root."""
import ctypes
import os
import subprocess

CLONE_NEWNS, CLONE_NEWNET = 0x20000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_char_p]


def call(function, *arguments):
    if function(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{function.__name__}: {os.strerror(ctypes.get_errno())}")


def enter_own_mounts():
    """From now on what we mount stays with us and our children. unshare(1) would do, were it not
    for its last step: mounts are made private from / on, which has to be a mount point, and a
    chroot's is not. The root of a namespace always is one; entering the namespace anew leads there,
    and two descriptors lead back."""
    call(LIBC.unshare, CLONE_NEWNS)
    flags = os.O_RDONLY | os.O_CLOEXEC
    root, folder, namespace = (os.open(path, flags) for path in ("/", ".", "/proc/self/ns/mnt"))
    call(LIBC.setns, namespace, CLONE_NEWNS)
    call(LIBC.mount, None, b"/", None, MS_REC | MS_PRIVATE, None)
    os.fchdir(root)
    os.chroot(".")
    os.fchdir(folder)
    for handle in (root, folder, namespace):
        os.close(handle)


def enter_own_network():
    """From now on we and our children are alone on loopback, with all of its ports."""
    call(LIBC.unshare, CLONE_NEWNET)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
