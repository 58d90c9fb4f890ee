# SPDX-License-Identifier: ISC
"""What somebody does with Evolution, asked of the library with which it speaks IMAP (Camel, imapx). What is
asked comes as JSON on standard input, what was seen leaves as JSON; soak_desktop.py says what that must be."""
import json
import os
import sys

import gi

gi.require_version("Camel", "1.2")
from gi.repository import Camel, Gio  # noqa: E402

ASKED = json.load(sys.stdin)


class Session(Camel.Session):
    """Gives the password, and trusts the certificate of the test."""

    def do_authenticate_sync(self, service, mechanism, cancellable):
        service.set_password(ASKED["password"])
        result = service.authenticate_sync(mechanism, cancellable)
        if isinstance(result, tuple):
            result = result[0]
        return result == Camel.AuthenticationResult.ACCEPTED

    def do_trust_prompt(self, _service, _certificate, _errors):
        return Camel.CertTrust.FULLY


def open_store(folder):
    for name in ("data", "cache"):
        os.makedirs(f"{folder}/{name}", exist_ok=True)
    Camel.init(folder, True)
    Camel.provider_init()
    session = Session(user_data_dir=folder + "/data", user_cache_dir=folder + "/cache", online=True)
    store = session.add_service("far", "imapx", Camel.ProviderType.STORE)
    settings = store.ref_settings()
    settings.set_property("host", ASKED["host"])
    settings.set_property("port", ASKED["port"])
    settings.set_property("user", ASKED["user"])
    settings.set_property("security-method", Camel.NetworkSecurityMethod.SSL_ON_ALTERNATE_PORT)
    settings.set_property("auth-mechanism", "PLAIN")
    settings.set_property("use-subscriptions", False)
    store.set_online_sync(True, None)
    return session, store


def text_of(message):
    content = message.get_content()
    stream = Gio.MemoryOutputStream.new_resizable()
    content.decode_to_output_stream_sync(stream, None)
    stream.close(None)
    return stream.steal_as_bytes().get_data().decode(message.get_content_type().param("charset") or "utf-8")


def keep_copy(store):
    """What has been sent, in Sent."""
    message, address, info = Camel.MimeMessage(), Camel.InternetAddress(), Camel.MessageInfo.new(None)
    address.add("菊", ASKED["user"])
    message.set_from(address)
    message.set_recipients("To", address)
    message.set_subject("Re: " + ASKED["subject"])
    message.set_content(ASKED["answer"].encode(), "text/plain; charset=utf-8")
    message.set_encoding(Camel.TransferEncoding.ENCODING_BASE64)
    info.set_flags(Camel.MessageFlags.SEEN, Camel.MessageFlags.SEEN)
    sent = store.get_folder_sync("Sent", 0, None)
    sent.append_message_sync(message, info, None)
    sent.synchronize_sync(False, None)


def main():
    session, store = open_store(ASKED["folder"])
    done = {}
    store.get_folder_info_sync(None, Camel.StoreGetFolderInfoFlags.RECURSIVE, None)  # it lists all of them
    inbox = store.get_folder_sync("INBOX", 0, None)
    inbox.refresh_info_sync(None)
    subjects = {inbox.get_message_info(uid).get_subject(): uid for uid in inbox.get_uids()}
    done["subjects"] = sorted(subjects)
    uid = subjects[ASKED["subject"]]
    done["text"] = text_of(inbox.get_message_sync(uid, None))
    inbox.set_message_flags(uid, Camel.MessageFlags.SEEN, Camel.MessageFlags.SEEN)
    inbox.synchronize_sync(False, None)
    done["found"] = [inbox.get_message_info(one).get_subject() for one in inbox.search_by_expression(
        f'(match-all (body-contains "{ASKED["words"]}"))', None)]
    store.create_folder_sync(None, ASKED["name"], None)
    other = store.get_folder_sync(ASKED["name"], 0, None)
    inbox.transfer_messages_to_sync([uid], other, True, None)
    inbox.synchronize_sync(True, None)
    other.refresh_info_sync(None)
    done["moved"] = [other.get_message_info(one).get_subject() for one in other.get_uids()]
    keep_copy(store)
    print(json.dumps(done))


if __name__ == "__main__":
    main()
