"""File systems that do not tell of every change: what another machine or a host changes there goes unseen. PURE.

Events come from the kernel that makes a change. A network share is changed by other kernels, and so is a folder that
a host gives to a virtual machine or a container (Docker Desktop, WSL, VirtualBox, VMware, Parallels).
"""

from __future__ import annotations

import re

SILENT = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "ncpfs", "afs", "afpfs", "webdav", "davfs"),
        *("9p", "virtiofs", "vboxsf", "prl_fs", "vmhgfs", "fakeowner", "drvfs", "osxfs", "grpcfuse"),
        *("ceph", "gfs2", "ocfs2", "lustre", "glusterfs", "beegfs", "gpfs", "orangefs", "macfuse", "osxfuse"),
    }
)
"""Types of file systems that others change, too."""

LOCAL_FUSE = frozenset({"fuseblk", "fuse.ntfs", "fuse.ntfs-3g", "fuse.exfat", "fuse.ext2", "fuse.ext4", "fuse.zfs"})
"""Disks of this machine that a program serves: every change passes through this kernel."""


def is_silent(kind: str) -> bool:
    """True for a type of file system that does not tell of every change."""
    kind = kind.lower()
    if kind in LOCAL_FUSE:
        return False
    return kind in SILENT or kind == "fuse" or kind.startswith("fuse.")


def kind_in_mountinfo(text: str, path: str) -> str:
    """The type of the file system that a real path is on, by ``/proc/self/mountinfo`` (proc(5)); empty if not said."""
    best, found = "", ""
    for line in text.splitlines():
        fields, dash, rest = line.partition(" - ")
        words, kinds = fields.split(" "), rest.split(" ")
        if not dash or len(words) < 5:
            continue
        point = _unescaped(words[4])
        if _is_below(path, point) and len(point) >= len(best):  # of two at one point, the later one hides the other
            best, found = point, kinds[0]
    return found


def kind_in_mount(text: str, path: str) -> str:
    """The same by what ``mount`` prints on macOS and the BSDs: ``//ann@nas/work on /Volumes/work (smbfs, nodev)``."""
    best, found = "", ""
    for line in text.splitlines():
        match = re.fullmatch(r".* on (/.*) \(([^,()]+)[^()]*\)", line)
        if match and _is_below(path, match[1]) and len(match[1]) >= len(best):
            best, found = match[1], match[2].strip()
    return found


def _is_below(path: str, point: str) -> bool:
    return path == point or path.startswith(point.rstrip("/") + "/")


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
