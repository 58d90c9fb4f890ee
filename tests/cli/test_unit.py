# SPDX-License-Identifier: ISC
"""What the commands know of the unit of the package: systemctl(1) is played."""
import os
import re
import socket
import subprocess

import pytest
from namespaces import enter_own_mounts, enter_own_network
from server import FAILED, NOT_RUNNING, hayauma


class Units:
    """hayauma.service and hayauma.socket, as `systemctl show` tells them."""

    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.directory, self.active, self.enabled = server.folder, "inactive", "enabled"
        self.socket, self.socket_enabled = "inactive", "enabled"

    def __call__(self, *words, **more):
        return self.server(*words, **self._more(), **more)

    def _more(self):
        systemctl = self.folder / "systemctl"
        systemctl.write_text(
            f"""#!/bin/sh
[ "$1" = show ] || exit 1
cat <<END
ExecStart={{ path=/usr/sbin/hayauma ; argv[]=/usr/sbin/hayauma -C {self.directory} run ; pid=0 }}
StateDirectory=hayauma
Id=hayauma.service
LoadState=loaded
ActiveState={self.active}
UnitFileState={self.enabled}

StateDirectory=
Id=hayauma.socket
LoadState=loaded
ActiveState={self.socket}
UnitFileState={self.socket_enabled}
END
""")
        systemctl.chmod(0o755)
        return {"env": os.environ | {"PATH": f"{self.folder}:{os.environ['PATH']}"}}

    def of_the_machine(self, *words, **more):
        """Without -C: by /etc/hayauma/hayauma.conf."""
        def enter():
            enter_own_mounts()
            for name in ("upper", "work"):
                (self.folder / name).mkdir(exist_ok=True)
            subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                            f"lowerdir=/etc,upperdir={self.folder}/upper,"
                            f"workdir={self.folder}/work", "/etc"], check=True)
            subprocess.run(["sh", "-c", "mkdir -p /etc/hayauma && ln -sfn "
                            f"{self.server.settings} /etc/hayauma/hayauma.conf"], check=True)
        return hayauma(*words, preexec_fn=enter, **self._more(), **more)


@pytest.fixture
def units(server, tmp_path):
    return Units(server, tmp_path)


def test_what_is_not_running_is_started_by_its_unit(units):
    said = units("status", code=NOT_RUNNING).stderr
    assert "start it with: systemctl start hayauma.socket hayauma.service" in said
    units.socket_enabled = "disabled"
    assert "with: systemctl start hayauma.service" in units("reload", code=NOT_RUNNING).stderr


@pytest.mark.parametrize("active", ["activating", "failed"])
def test_what_systemd_cannot_start_is_not_to_be_started_by_hand(units, active):
    units.active = active
    said = units("status", code=NOT_RUNNING).stderr
    assert "systemctl status hayauma.service" in said and "start it with" not in said


def test_a_server_that_the_unit_is_not_for_is_started_by_hand(units, tmp_path):
    units.directory = tmp_path
    said = units("status", code=NOT_RUNNING).stderr
    assert f"start it with: hayauma -C {units.server.folder} run" in said


def hold(server):
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("127.0.0.1", server.port(25)))
    one.listen(1)
    return one


def test_ports_that_systemd_holds_are_not_another_programs(units):
    with hold(units.server):
        assert "another program uses this port" in units("check", "--no-dns", code=FAILED).stdout
        units.socket = "active"
        assert "systemd holds the ports (hayauma.socket), and starts" in units(
            "check", "--no-dns").stdout
        units.active = "activating"
        said = units("check", "--no-dns", code=FAILED).stdout
        assert "error    systemd holds the ports (hayauma.socket), and the server does not" in said


def test_run_by_hand_beside_the_socket_unit_says_how_it_is_started(units):
    units.socket = "active"
    with hold(units.server):
        said = units("run", code=FAILED).stderr
    assert "Address already in use" in said
    assert "start it with: systemctl start hayauma.service" in said


def test_check_finds_a_unit_for_another_directory(units, tmp_path):
    units.directory = tmp_path / "elsewhere"
    settings = units.server.settings
    settings.write_text(settings.read_text().replace(
        "#data-directory /var/lib/hayauma", f"data-directory {units.server.folder}"))
    said = units.of_the_machine("check", "--no-dns", code=FAILED).stdout
    assert f"error    hayauma.service starts a server in {tmp_path}/elsewhere" in said
    assert "hayauma.service starts" not in units("check", "--no-dns").stdout
    units.enabled = "disabled"
    assert "hayauma.service starts" not in units.of_the_machine("check", "--no-dns").stdout


def test_check_finds_a_link_in_place_of_the_state_directory(units, tmp_path):
    units.directory = tmp_path / "link"
    units.directory.symlink_to(units.server.folder)
    said = units("check", "--no-dns", code=FAILED).stdout
    assert f"error    {units.directory} is a symbolic link, which systemd does not take" in said


def test_check_finds_a_server_that_the_next_boot_does_not_start(units):
    assert "starts the server at each boot" in units("check", "--no-dns").stdout
    units.enabled = "disabled"
    assert "warning  the server is not started at the next boot" in units(
        "check", "--no-dns").stdout


@pytest.mark.parametrize("line", ["", "port-offset 2000\n", "listen 127.0.0.1 ::1\n"])
def test_the_socket_unit_is_enabled_for_its_own_ports_alone(units, line):
    """Beside another server it would take that one's ports at the next boot."""
    units.enabled = "disabled"
    text = units.server.settings.read_text()
    units.server.settings.write_text(
        line + re.sub(r"(?m)^(port-offset|listen) .*\n", "", text))
    said = units("check", "--no-dns", preexec_fn=enter_own_network).stdout
    wanted = "hayauma.service" if line else "hayauma.socket hayauma.service"
    assert f"; systemctl enable {wanted}\n" in said


def test_check_finds_a_socket_unit_that_holds_no_ports(units):
    units.active = "active"
    assert "warning  hayauma.socket is enabled and does not hold the ports" in units(
        "check", "--no-dns").stdout
