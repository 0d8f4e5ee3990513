"""File systems that do not tell of every change are recognised by what the system says of its mounts."""

from __future__ import annotations

import pytest

from livecode.front.watching.lookout import kind_of_file_system, wants_polling
from livecode.front.watching.mounts import is_silent, kind_in_mount, kind_in_mountinfo

MOUNTINFO = r"""
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 22 0:35 / /mnt/with\040space rw shared:5 - nfs4 nas:/work rw,vers=4.2
41 22 0:36 /src /project/src rw - fuse.grpcfuse grpcfuse rw,user_id=0
42 22 0:37 / /project rw - tmpfs tmpfs rw
43 42 0:38 / /project/hidden rw - nfs nas:/x rw
44 43 0:39 / /project/hidden rw - ext4 /dev/vdb rw
45 22 0:40 / /host_mnt rw master:3 propagate_from:2 - fakeowner /run/host_mark/Users rw
bad line
"""

MOUNT = """
/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse)
//ann@nas._smb._tcp.local/work on /Volumes/work (smbfs, nodev, nosuid, mounted by ann)
nas:/home on /Volumes/with (parentheses) (nfs)
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/ann/src", "ext4"),
        ("/mnt/with space/src", "nfs4"),
        ("/project/src/shop", "fuse.grpcfuse"),
        ("/project/srcs", "tmpfs"),
        ("/project/hidden", "ext4"),
        ("/host_mnt/Users", "fakeowner"),
    ],
)
def test_linux(path: str, kind: str) -> None:
    """The longest mount point that leads to a path, and the last one of those."""
    assert kind_in_mountinfo(MOUNTINFO, path) == kind


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/Users/ann", "apfs"),
        ("/Volumes/work/src", "smbfs"),
        ("/Volumes/with (parentheses)/src", "nfs"),
    ],
)
def test_macos(path: str, kind: str) -> None:
    """The same by what `mount` prints."""
    assert kind_in_mount(MOUNT, path) == kind


@pytest.mark.parametrize(
    ("kind", "silent"),
    [
        ("ext4", False),
        ("btrfs", False),
        ("overlay", False),
        ("tmpfs", False),
        ("apfs", False),
        ("fuseblk", False),
        ("fuse.ntfs-3g", False),
        ("", False),
        ("nfs4", True),
        ("cifs", True),
        ("9p", True),
        ("virtiofs", True),
        ("fakeowner", True),
        ("fuse.sshfs", True),
        ("fuse", True),
        ("SMBFS", True),
    ],
)
def test_who_is_silent(kind: str, silent: bool) -> None:
    """What other machines or a host can change; not the disks of this machine."""
    assert is_silent(kind) is silent


@pytest.mark.parametrize(("value", "wanted"), [("", False), ("false", False), ("disable", False), ("1", True)])
def test_the_variable_of_watchfiles_is_honoured(value: str, wanted: bool) -> None:
    """Who sets it for uvicorn, means it for this, too."""
    assert wants_polling({"WATCHFILES_FORCE_POLLING": value}) is wanted
    assert not wants_polling({})


def test_this_machine_says_something(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Its own answer can be read."""
    assert kind_of_file_system(str(tmp_path_factory.getbasetemp()))
