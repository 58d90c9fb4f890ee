# SPDX-License-Identifier: ISC
"""hayauma report dmarc: reports of others from files, whatever they are packed in."""
import email.message
import gzip
import io
import json
import zipfile

from server import hayauma


def report(rows, number="1", domain="example.jp", organization="Lighthouse", end=1780358399):
    records = "".join(
        f"<record><row><source_ip>{source}</source_ip><count>{count}</count><policy_evaluated>"
        f"<disposition>{disposition}</disposition><dkim>{dkim}</dkim><spf>{spf}</spf>"
        f"</policy_evaluated></row><identifiers><header_from>{domain}</header_from></identifiers>"
        f"<auth_results/></record>" for source, count, disposition, dkim, spf in rows)
    return (f'<?xml version="1.0"?><feedback><report_metadata><org_name>{organization}</org_name>'
            f"<report_id>{number}</report_id><date_range><begin>{end - 86399}</begin><end>{end}"
            f"</end></date_range></report_metadata><policy_published><domain>{domain}</domain>"
            f"<p>reject</p></policy_published>{records}</feedback>").encode()


def zipped(xml):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("report.xml", xml)
    return packed.getvalue()


def message(*attachments):
    made = email.message.EmailMessage()
    made["From"], made["Subject"] = "dmarc@lighthouse.test", "Report Domain: example.jp"
    made.set_content("A report.\n")
    for bytes_ in attachments:
        made.add_attachment(bytes_, "application", "octet-stream", filename="r")
    return made.as_bytes()


FAILURE = b"""From: dmarc@lighthouse.test
Content-Type: multipart/report; report-type=feedback-report; boundary=x

--x

A message failed.
--x
Content-Type: message/feedback-report

Feedback-Type: auth-failure
Auth-Failure: dmarc
Reported-Domain: example.jp
Source-IP: 192.0.2.66
Delivery-Result: reject
Arrival-Date: Mon, 1 Jun 2026 00:00:10 +0000

--x
Content-Type: text/rfc822-headers

From: tama@example.jp
Subject: =?utf-8?b?5pep6aas?=
--x--
"""


def files(folder):
    """A message with two reports, one that comes again as a file, a failure, and a broken one."""
    good = report([("192.0.2.1", 3, "none", "pass", "fail"), ("192.0.2.66", 9, "reject", "fail",
                                                              "fail")])
    other = report([("2001:db8::1", 1, "quarantine", "fail", "fail")], domain="other.test",
                   end=1790358399)
    contents = {"a.eml": message(gzip.compress(good), zipped(other)), "b.xml": good,
                "c.eml": FAILURE, "d.xml.gz": gzip.compress(good)[:-30]}
    for name, bytes_ in contents.items():
        (folder / name).write_bytes(bytes_)
    return [str(folder / name) for name in contents] + [str(folder / "missing")]


def test_a_table_by_domain_and_source_with_what_could_not_be_read(tmp_path):
    said = hayauma("report", "dmarc", *files(tmp_path))
    lines = [line.split() for line in said.stdout.splitlines()]
    assert ["example.jp", "192.0.2.66", "9", "0", "9", "0", "0", "0", "9"] in lines
    assert ["example.jp", "192.0.2.1", "3", "3", "0", "3", "0", "0", "0"] in lines
    assert ["other.test", "2001:db8::1", "1", "0", "1", "0", "0", "1", "0"] in lines
    assert ["2", "reports"] in lines, "the second copy of a report counts"
    assert "早馬" in said.stdout, "the subject of the failure report"
    assert f"{tmp_path}/d.xml.gz: the compressed file is damaged" in said.stdout
    assert f"{tmp_path}/missing: No such file" in said.stdout


def test_json(tmp_path):
    told = json.loads(hayauma("report", "dmarc", "--json", *files(tmp_path)).stdout)
    assert [(r["domain"], r["source"], r["messages"], r["passed"]) for r in told["sources"]] == [
        ("example.jp", "192.0.2.66", 9, 0), ("example.jp", "192.0.2.1", 3, 3),
        ("other.test", "2001:db8::1", 1, 0)]
    assert [(r["organization"], r["messages"]) for r in told["reports"]] == [("Lighthouse", 12),
                                                                             ("Lighthouse", 1)]
    assert told["failures"][0]["subject"] == "早馬"
    assert len(told["bad"]) == 2


def test_only_a_domain_and_a_time(tmp_path):
    all_files = files(tmp_path)
    for words, domains in ((["--domain", "Other.TEST"], ["other.test"]),
                           (["--since", "2026-07-01"], ["other.test"]),
                           (["--until", "2026-07-01", "--domain", "example.jp"], ["example.jp"])):
        told = json.loads(hayauma("report", "dmarc", "--json", *words, *all_files).stdout)
        assert sorted({r["domain"] for r in told["sources"]}) == domains, words


def test_nothing_but_what_cannot_be_read_has_failed(tmp_path):
    (tmp_path / "x").write_bytes(b"Subject: x\n\nno report\n")
    said = hayauma("report", "dmarc", str(tmp_path / "x"), code=1)
    assert "there is no report in it" in said.stdout
