"""Kernelspecs: what makes ``shop (live)`` appear in the launchers of front ends.

One serves all of them. Who asks `jupyter_client` (JupyterLab, nbclient, papermill) gets the provisioner; who starts the
command by itself (VS Code) gets the proxy.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

from livecode.errors import UsageError
from livecode.fleet.rundir import check_name

PROVISIONER = "livecode"
PREFIX = "livecode-"


@dataclass(frozen=True, slots=True)
class Spec:
    """An installed kernelspec.

    Attributes:
        service: The service that it leads into.
        worker: The process of it; empty for the first.
        folder: Where it is installed.
    """

    service: str
    worker: str
    folder: str


def install(service: str, worker: str = "", *, user: bool = True, prefix: str | None = None) -> str:
    """The folder of the kernelspec that was installed, in the place of an earlier one.

    Args:
        service: The name of the service, which need not run.
        worker: The process of it that notebooks go into; empty for the first.
        user: For this user; else for all, or those of `prefix`.
        prefix: The prefix of an environment, such as `sys.prefix`.

    Raises:
        UsageError: The name cannot be one, or the folder cannot be written.
    """
    content = _content(check_name(service), worker)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "kernel.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
        (Path(folder) / "logo-svg.svg").write_text(LOGO, "utf-8")
        try:
            installed: str = KernelSpecManager().install_kernel_spec(
                folder, _spec_name(service), user=user and prefix is None, prefix=prefix
            )
        except OSError as error:
            raise UsageError(f"the kernelspec of {service} cannot be installed: {error}; try --user") from error
    return installed


def installed() -> tuple[Spec, ...]:
    """The kernelspecs that lead into services, by service."""
    return tuple(sorted(_installed(), key=lambda spec: spec.service))


def remove(service: str) -> str:
    """The folder of the kernelspec that was removed.

    Raises:
        UsageError: None of that service is installed, or it cannot be removed.
    """
    manager = KernelSpecManager()
    manager.ensure_native_kernel = False
    try:
        removed: str = manager.remove_kernel_spec(_spec_name(service))
    except (NoSuchKernel, KeyError) as error:
        there = ", ".join(spec.service for spec in installed()) or "none"
        raise UsageError(f"no kernelspec of {service!r} is installed; there is: {there}") from error
    except OSError as error:
        raise UsageError(f"the kernelspec of {service} cannot be removed: {error}") from error
    return removed


def _installed() -> Iterator[Spec]:
    manager = KernelSpecManager()
    for name, folder in manager.find_kernel_specs().items():
        if not name.startswith(PREFIX):
            continue
        provisioner = manager.get_kernel_spec(name).metadata.get("kernel_provisioner", {})
        if provisioner.get("provisioner_name") == PROVISIONER:
            config = provisioner.get("config", {})
            yield Spec(str(config.get("service", "")), str(config.get("worker", "")), folder)


def _spec_name(service: str) -> str:
    return f"{PREFIX}{service.lower()}"


def _content(service: str, worker: str) -> dict[str, object]:
    more = ["--worker", worker] if worker else []
    named = f"{service} {worker} (live)" if worker else f"{service} (live)"
    config = {"service": service, "worker": worker}
    return {
        "argv": [sys.executable, "-m", "livecode.kernel.proxy", service, *more, "-f", "{connection_file}"],
        "display_name": named,
        "language": "python",
        "interrupt_mode": "message",
        "metadata": {"kernel_provisioner": {"provisioner_name": PROVISIONER, "config": config}, "debugger": False},
    }


LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="14" fill="#1a7f37"/>'
    '<circle cx="32" cy="32" r="9" fill="#fff"/><path d="M16 16a22.6 22.6 0 0 0 0 32M48 16a22.6 22.6 0 0 1 0 32" '
    'fill="none" stroke="#fff" stroke-width="5" stroke-linecap="round"/></svg>\n'
)
