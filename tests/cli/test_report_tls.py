# SPDX-License-Identifier: ISC
"""hayauma report tls: reports of others from files, whatever they are packed in."""
import base64
import gzip
import json

from server import hayauma


def report(domain="example.jp", end="2026-04-01T23:59:59Z", failed=3):
    """In the shape of RFC 8460 §4.4."""
    return json.dumps({
        "organization-name": "Lighthouse", "contact-info": "tls@lighthouse.example", "report-id": "1",
        "date-range": {"start-datetime": "2026-04-01T00:00:00Z", "end-datetime": end},
        "policies": [{
            "policy": {"policy-type": "sts", "policy-string": ["version: STSv1"],
                       "policy-domain": domain, "mx-host": ["mx." + domain]},
            "summary": {"total-successful-session-count": 97, "total-failure-session-count": failed},
            "failure-details": [{"result-type": "certificate-expired", "sending-mta-ip": "192.0.2.1",
                                 "receiving-mx-hostname": "mx." + domain, "failed-session-count": failed}],
        }]}).encode()


def message(packed):
    return (b"From: tls@lighthouse.example\nMIME-Version: 1.0\n"
            b"Content-Type: multipart/report; report-type=tlsrpt; boundary=x\n\n"
            b"--x\nContent-Type: text/plain\n\nA report.\n"
            b"--x\nContent-Type: application/tlsrpt+gzip\nContent-Transfer-Encoding: base64\n\n"
            + base64.encodebytes(packed) + b"--x--\n")


def files(folder):
    contents = {"a.eml": message(gzip.compress(report())), "b.json": report("other.test", "2026-08-01T23:59:59Z", 1),
                "c.json.gz": gzip.compress(report())[:-30], "d.json": b"{}"}
    for name, bytes_ in contents.items():
        (folder / name).write_bytes(bytes_)
    return [str(folder / name) for name in contents] + [str(folder / "missing")]


def test_a_table_of_policies_and_one_of_what_failed(tmp_path):
    said = hayauma("report", "tls", *files(tmp_path)).stdout
    lines = [line.split() for line in said.splitlines()]
    assert any(line[-5:] == ["example.jp", "Lighthouse", "sts", "97", "3"] for line in lines), said
    assert ["example.jp", "mx.example.jp", "certificate-expired", "3"] in [line[:4] for line in lines]
    assert ["other.test", "mx.other.test", "certificate-expired", "1"] in [line[:4] for line in lines]
    assert ["2", "reports"] in lines
    assert f"{tmp_path}/c.json.gz: the compressed file is damaged" in said
    assert f"{tmp_path}/d.json: it is no report of TLS" in said
    assert f"{tmp_path}/missing: No such file" in said


def test_json(tmp_path):
    told = json.loads(hayauma("report", "tls", "--json", *files(tmp_path)).stdout)
    good = [one for one in told if "problem" not in one]
    assert [(r["domain"], r["policy"], r["succeeded"], r["failed"]) for r in good] == [
        ("example.jp", "sts", 97, 3), ("other.test", "sts", 97, 1)]
    assert good[0]["failures"][0]["type"] == "certificate-expired"
    assert len(told) - len(good) == 3


def test_only_a_domain_and_a_time(tmp_path):
    all_files = files(tmp_path)
    for words, domains in ((["--domain", "Other.TEST"], ["other.test"]), (["--since", "2026-07-01"], ["other.test"]),
                           (["--until", "2026-07-01"], ["example.jp"])):
        told = json.loads(hayauma("report", "tls", "--json", *words, *all_files).stdout)
        assert [r["domain"] for r in told if "problem" not in r] == domains, words


def test_nothing_but_what_cannot_be_read_has_failed(tmp_path):
    (tmp_path / "x").write_bytes(b"Subject: x\n\nno report\n")
    said = hayauma("report", "tls", str(tmp_path / "x"), code=1)
    assert "there is no report in it" in said.stdout
