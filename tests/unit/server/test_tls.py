"""Certificates: which files can serve, and how newer ones take over."""

import datetime as dt
import ssl

import pytest
from tests.fakes.authority import Authority

from onread.server.tls import Certificates, TlsFiles, TlsRefused


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def refused(files):
    with pytest.raises(TlsRefused) as caught:
        Certificates(files)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_terms_are_modern(authority):
    context = Certificates(authority.sign("a")).context
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_COMPRESSION
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.verify_mode == ssl.CERT_NONE
    assert not any("RC4" in c["name"] or "3DES" in c["name"] for c in context.get_ciphers())


def test_R052_a_file_that_is_not_there_is_refused_by_name(authority, tmp_path):
    files = authority.sign("a")
    missing = tmp_path / "missing.pem"
    assert refused(TlsFiles(certificate=missing, key=files.key)) == f"{missing}: No such file or directory"
    assert refused(TlsFiles(certificate=files.certificate, key=missing)).startswith(str(missing))


def test_R052_a_key_of_another_certificate_is_refused(authority):
    mixed = TlsFiles(certificate=authority.sign("a").certificate, key=authority.sign("b").key)
    assert "the key does not belong to the certificate" in refused(mixed)


def test_R052_a_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(authority):
    assert "encrypted" in refused(authority.sign("a", passphrase=b"secret"))


@pytest.mark.parametrize("content", [b"", b"junk", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
@pytest.mark.parametrize("which", ["certificate", "key", "client_ca"])
def test_R052_a_file_that_is_no_pem_is_refused(authority, tmp_path, which, content):
    files = authority.sign("a")
    file = tmp_path / "junk.pem"
    file.write_bytes(content)
    pair = {"certificate": files.certificate, "key": files.key, "client_ca": authority.ca_file, which: file}
    assert str(file) in refused(TlsFiles(**pair))


def test_a_changed_file_is_seen_and_a_newer_pair_takes_over(authority):
    files = authority.sign("a")
    certificates = Certificates(files)
    before = certificates.context
    assert not certificates.changed()
    ends = dt.datetime(2101, 1, 1, tzinfo=dt.UTC)
    authority.sign("a", ends=ends)
    assert certificates.changed()
    certificates.renew()
    assert not certificates.changed()
    assert certificates.context is not before
    assert certificates.expires_at == ends


def test_R055_a_broken_newer_pair_leaves_the_older_one_and_is_told_once(authority):
    files = authority.sign("a")
    certificates = Certificates(files)
    before = certificates.context
    files.key.write_bytes(b"half a ke")
    assert certificates.changed()
    with pytest.raises(TlsRefused):
        certificates.renew()
    assert certificates.context is before
    assert not certificates.changed()


def test_a_pair_may_be_read_from_other_files(authority):
    certificates = Certificates(authority.sign("a"))
    other = authority.sign("b")
    certificates.renew(other)
    assert certificates.files == other


def test_a_peer_that_must_show_a_certificate_gets_no_ticket_that_would_outlive_it(authority):
    files = authority.sign("a")
    demanding = TlsFiles(certificate=files.certificate, key=files.key, client_ca=authority.ca_file)
    context = Certificates(demanding).context
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.num_tickets == 0
    assert context.options & ssl.OP_NO_TICKET
