# SPDX-License-Identifier: ISC
"""What somebody does with Evolution: its windows are told by their buttons, fields and lists (AT-SPI), text is
typed. What is asked comes as JSON on standard input, what was seen goes into the file that is named there;
soak_desktop.py says what that must be. Needs a session bus and a display of its own."""
import json
import pathlib
import subprocess
import sys
import time

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

ASKED = json.load(sys.stdin)
SHOWS, CHECKED = Atspi.StateType.SHOWING, Atspi.StateType.CHECKED
ALWAYS = ("application", "menu item")  # a menu need not be open for what stands in it


# ---------------------------------------------------------------- what can be seen


def children(node):
    return filter(None, (node.get_child_at_index(number) for number in range(node.get_child_count())))


def seen(node):
    """It, and all that is in it, if it can be seen."""
    try:
        if node.get_role_name() in ALWAYS or node.get_state_set().contains(SHOWS):
            yield node
            for child in children(node):
                yield from seen(child)
    except GLib.Error:
        return  # it has gone meanwhile


def windows():
    for program in children(Atspi.get_desktop(0)):
        if program.get_name() == "evolution":
            yield from children(program)


def name_of(node):
    labels = [one.get_target(0).get_name() for one in node.get_relation_set()
              if one.get_relation_type() == Atspi.RelationType.LABELLED_BY]
    return node.get_name() or "".join(labels)


def find(role, name, inside=None):
    """The first one whose name begins so, inside the window that is given, or any."""
    for place in [inside] if inside else windows():
        for node in seen(place):
            if node.get_role_name() == role and name_of(node).startswith(name):
                return node
    return None


def until(what, words, limit=30):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        try:
            found = what()
        except GLib.Error:
            found = None
        if found:
            return found
        time.sleep(0.1)
        Atspi.get_desktop(0).clear_cache()
    raise AssertionError(f"waited in vain for {words}; there are {[one.get_name() for one in windows()]}")


def have(role, name, inside=None):
    return until(lambda: find(role, name, inside), f"{role} {name!r}")


def window(title):
    return until(lambda: next((one for one in windows() if one.get_name().startswith(title)), None), title)


# ---------------------------------------------------------------- what is done


def press(role, name, inside=None):
    """Not what opens a dialog and waits for its end: until then nothing could be asked."""
    have(role, name, inside).get_action_iface().do_action(0)


def write(label, text, inside):
    field = have("text", label, inside)
    assert field.get_editable_text_iface().set_text_contents(text), label


def choose(name, inside):
    """A folder of those in a tree."""
    have("table cell", name, have("tree table", "Mail Folder Tree", inside)).get_component_iface().grab_focus()


def xdotool(*words):
    return subprocess.run(["xdotool", *map(str, words)], check=False, stdout=subprocess.PIPE, text=True).stdout


def on_screen(title):
    """The number of a window for the display."""
    return until(lambda: xdotool("search", "--onlyvisible", "--name", "^" + title).split(), title)[-1]


def look_at(title):
    """Keys go to this window from now on."""
    xdotool("windowfocus", "--sync", on_screen(title))


def click(node, x, y):
    place = node.get_component_iface().get_extents(Atspi.CoordType.SCREEN)
    xdotool("mousemove", place.x + x, place.y + y, "click", 1)


# ---------------------------------------------------------------- the account


def set_up():
    """The assistant for the first account."""
    press("push button", "Next", window("Welcome"))
    press("push button", "Next", window("Restore"))
    page = window("Identity")
    write("Full Name", "菊", page)
    write("Email Address", ASKED["user"], page)
    press("push button", "Next", page)
    page = window("Receiving Email")
    write("Server", ASKED["host"], page)
    write("Username", ASKED["user"], page)
    write("", str(ASKED["port"]), have("combo box", "993", page))
    press("push button", "Next", page)
    press("push button", "Next", window("Receiving Options"))
    page = window("Sending Email")
    write("Server", ASKED["smtpHost"], page)
    write("", str(ASKED["smtpPort"]), have("combo box", "465", page))
    press("check box", "Server requires authentication", page)
    write("Username", ASKED["user"], page)
    press("push button", "Next", page)
    press("push button", "Next", window("Account Summary"))
    press("push button", "Apply", window("Done"))


def answer_questions():
    """Those for certificates and passwords."""
    for dialog in windows():
        if dialog.get_name().startswith("Certificate trust"):
            press("push button", "Accept Permanently", dialog)
        elif dialog.get_name() == "Mail authentication request":
            field = have("password text", "Password", dialog)
            keep = have("check box", "Add this password to your keyring", dialog)
            if keep.get_state_set().contains(CHECKED):
                keep.get_action_iface().do_action(0)
            field.get_editable_text_iface().set_text_contents(ASKED["password"])
            press("push button", "OK", dialog)


def while_it_asks(what, words):
    def done():
        answer_questions()
        return what()
    return until(done, words, 60)


# ---------------------------------------------------------------- messages


def subjects():
    """Of the messages that are listed, from the top."""
    cells = [node for node in children(have("tree table", "Messages"))]
    titles = [node.get_name() for node in cells if node.get_role_name() == "table column header"]
    return [node.get_name() for node in cells[len(titles):]][titles.index("Subject")::len(titles)]


def look_for(words):
    """Body contains: the server is asked."""
    field = have("text", "Search")
    click(next(children(field)), 8, 8)
    press("check menu item", "Body contains")
    field.get_editable_text_iface().set_text_contents(words)
    field.get_action_iface().do_action(0)
    return until(lambda: len(subjects()) == 1 and subjects(), "what is found")


def answer(to, words):
    """Quotes what it has shown of the message."""
    press("menu item", "Reply to Sender")
    page = window("Re:")
    write("To", to, page)
    look_at("Re:")
    click(have("split pane", "", page), 100, 20)
    xdotool("key", "ctrl+Home")
    xdotool("type", "--delay", 50, words + "\n")
    press("push button", "Send", page)
    while_it_asks(lambda: not find("frame", "Re:"), "sending")


def move(name):
    """The message that is shown, to a new folder."""
    look_at("Inbox")
    xdotool("key", "ctrl+shift+v")
    dialog = window("Move to Folder")
    click(have("push button", "", have("tool bar", "", dialog)), 8, 8)
    page = window("Create Folder")
    write("Folder name", name, page)
    choose(ASKED["user"], page)
    press("push button", "Create", page)
    until(lambda: find("table cell", name, dialog), "the new folder")
    choose(name, dialog)
    press("push button", "Move", dialog)
    until(lambda: ASKED["subject"] not in subjects(), "moving")


def main():
    with subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "evolution", "--component=mail"]) as program:
        try:
            on_screen("Welcome")
            xdotool("windowsize", on_screen("Mail"), 1270, 890)
            set_up()
            while_it_asks(lambda: find("table cell", "Inbox ("), "the INBOX")
            done = {"folders": [node.get_name() for node in seen(have("tree table", "Mail Folder Tree"))
                                if node.get_role_name() == "table cell" and node.get_name()]}
            choose("Inbox (", None)
            done["subjects"] = sorted(until(lambda: len(subjects()) == ASKED["messages"] and subjects(), "messages"))
            done["found"] = look_for(ASKED["words"])
            answer(ASKED["user"], ASKED["answer"])
            move(ASKED["name"])
            pathlib.Path(ASKED["seen"]).write_text(json.dumps(done))
        finally:
            program.kill()


if __name__ == "__main__":
    main()
