# SPDX-License-Identifier: ISC
"""A disk whose power can be cut: ext4 in a file, mounted over a loop device.

cut() is the file system's own shutdown call without flushing the journal: from this moment nothing
reaches the disk, what had not been synced is lost, and every sync that begins fails. One that is
under way may return as if all were well, with nothing on the disk, which no real power cut does: so
those whose promises count are stopped before. Mounting it again recovers the journal, as after a
power cut. Mounts are made in the mount namespace of the driver and end with it, and so do their
loop devices. Where /dev is a plain folder, as a chroot may have it, their nodes are made in it.
"""
import errno
import fcntl
import os
import pathlib
import stat
import struct
import subprocess
import time

EXT4_IOC_SHUTDOWN = 2 << 30 | 4 << 16 | ord("X") << 8 | 125  # _IOR('X', 125, __u32)
NO_LOG_FLUSH = 2
LOOP_CONTROL, LOOP_CONTROL_NUMBER = "/dev/loop-control", os.makedev(10, 237)
LOOP_CTL_GET_FREE, LOOP_MAJOR = 0x4C82, 7


class NoDisk(Exception):
    """Such a disk cannot be had here; why."""


def run(*words):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoDisk(f"{words[0]}: {(done.stderr or done.stdout).strip()}")


def make_node(path, kind, number):
    try:
        os.mknod(path, kind | 0o600, number)
    except FileExistsError:
        pass


def make_loop_nodes():
    """The nodes that mount(8) is going to look for; a few, since others may take the next one."""
    try:
        make_node(LOOP_CONTROL, stat.S_IFCHR, LOOP_CONTROL_NUMBER)
        with open(LOOP_CONTROL, "r+b", buffering=0) as control:
            free = fcntl.ioctl(control, LOOP_CTL_GET_FREE)
        for number in range(free, free + 4):
            make_node(f"/dev/loop{number}", stat.S_IFBLK, os.makedev(LOOP_MAJOR, number))
    except OSError as why:
        raise NoDisk(f"no loop devices: {why}") from why


class Disk:
    def __init__(self, folder, size):
        self.image, self.place = pathlib.Path(folder, "disk.img"), pathlib.Path(folder, "disk")
        self.place.mkdir()
        with self.image.open("wb") as image:
            image.truncate(size)
        run("mkfs.ext4", "-q", "-m", "0", "-E", "nodiscard", self.image)
        self.mount()

    def mount(self):
        make_loop_nodes()
        run("mount", "-t", "ext4", "-o", "loop,data=ordered", self.image, self.place)

    def cut(self):
        folder = os.open(self.place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(folder, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(folder)

    def unmount(self, limit=10.0):
        deadline = time.monotonic() + limit
        while True:
            try:
                return run("umount", self.place)
            except NoDisk:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def free(self):
        fs = os.statvfs(self.place)
        return fs.f_bavail * fs.f_frsize

    def fill(self, left):
        """Fills it up until about `left` bytes are free; others may write meanwhile."""
        with (self.place / "ballast").open("ab") as ballast:
            for piece in (64 << 20, 1 << 20, 64 << 10, 4096):
                while self.free() >= left + piece:
                    try:
                        os.posix_fallocate(ballast.fileno(), ballast.tell(), piece)
                    except OSError as full:
                        if full.errno != errno.ENOSPC:
                            raise
                        break
                    ballast.seek(0, os.SEEK_END)

    def drain(self):
        (self.place / "ballast").unlink(missing_ok=True)
