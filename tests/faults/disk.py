# SPDX-License-Identifier: ISC
"""A disk whose power can be cut: ext4 in a file, mounted over a loop device.

cut() is the file system's own shutdown call without flushing the journal: from this moment nothing
reaches the disk, what had not been synced is lost, and every sync fails. Mounting it again recovers
the journal, as after a power cut. Mounts are made in the mount namespace of the driver and end with
it, and so do their loop devices.
"""
import errno
import fcntl
import os
import pathlib
import struct
import subprocess
import time

EXT4_IOC_SHUTDOWN = 2 << 30 | 4 << 16 | ord("X") << 8 | 125  # _IOR('X', 125, __u32)
NO_LOG_FLUSH = 2


class NoDisk(Exception):
    """Such a disk cannot be had here; why."""


def run(*words):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoDisk(f"{words[0]}: {(done.stderr or done.stdout).strip()}")


class Disk:
    def __init__(self, folder, size):
        self.image, self.place = pathlib.Path(folder, "disk.img"), pathlib.Path(folder, "disk")
        self.place.mkdir()
        with self.image.open("wb") as image:
            image.truncate(size)
        run("mkfs.ext4", "-q", "-m", "0", "-E", "nodiscard", self.image)
        self.mount()

    def mount(self):
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
