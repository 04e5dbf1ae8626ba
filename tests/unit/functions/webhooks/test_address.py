from ipaddress import ip_address, ip_network

import pytest

from onread.errors import InvalidParameterValueException
from onread.functions.webhooks.address import WebhookRules, is_public, parse_webhook_url

RULES = WebhookRules()
LOCAL = WebhookRules(networks=(ip_network("127.0.0.0/8"), ip_network("fd00::/8")))


@pytest.mark.parametrize(
    ("text", "host", "port", "target", "authority"),
    [
        ("https://hooks.example.com", "hooks.example.com", 443, "/", "hooks.example.com"),
        ("https://Hooks.Example.com/a/b?c=d", "hooks.example.com", 443, "/a/b?c=d", "hooks.example.com"),
        ("http://localhost:5000/", "localhost", 5000, "/", "localhost:5000"),
        ("https://[2001:DB8::1]:8443/x", "2001:db8::1", 8443, "/x", "[2001:db8::1]:8443"),
        ("https://192.0.2.1/%2F", "192.0.2.1", 443, "/%2F", "192.0.2.1"),
        ("http://h:80", "h", 80, "/", "h"),
        ("https://h?x", "h", 443, "/?x", "h"),
    ],
)
def test_a_url_has_one_reading(text, host, port, target, authority):
    url = parse_webhook_url(text, RULES)
    assert (url.host, url.port, url.target, url.authority) == (host, port, target, authority)


@pytest.mark.parametrize(
    "text",
    [
        "https://user@host/", "https://user:password@host/", "https://host\\@other/", "https://host/#@other",
        "https://ho\tst/", "https://host/\n", " https://host/", "https://host/ ", "file:///etc/passwd",
        "gopher://host/", "unix:/run/x", "https:/host", "//host/", "host", "", "https://", "https://host:/",
        "https://host:65536/", "https://-host/", "https://host-/", "https://ho..st/", "https://host./",
        "https://\uff4c\uff4fcal/", "https://h_st/", "https://[::1/", "https://[::1%25eth0]/", "https://[v1.x]/",
        "https://a" + "b" * 2050, "ftp://host/", "https://0/", "https://127.1/",
        "https://0x7f.1/", "https://2130706433/", "https://017700000001/", "https://1.2.3.4.5/",
        "https://host.0x7f/",
    ],
)  # fmt: skip
def test_T184_what_parsers_disagree_about_is_no_url(text):
    with pytest.raises(InvalidParameterValueException, match=r"Url|port"):
        parse_webhook_url(text, RULES)


@pytest.mark.parametrize("port", [22, 25, 6379, 9000])
def test_T184_only_named_ports(port):
    with pytest.raises(InvalidParameterValueException, match=f"port {port}"):
        parse_webhook_url(f"https://host:{port}/", RULES)


ELSEWHERE = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.0.1", "169.254.169.254", "172.16.0.1",
    "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.7",
    "203.0.113.9", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1",
    "2001:db8::1", "fc00::1", "fe80::1", "fec0::1", "ff02::1", "100::1", "3fff::1", "5f00::1",
]  # fmt: skip


@pytest.mark.parametrize("text", ELSEWHERE)
def test_T180_T181_private_and_translated_addresses_are_not_public(text):
    assert not is_public(ip_address(text))
    assert not RULES.permits(ip_address(text), scheme="https")


@pytest.mark.parametrize("text", ["1.1.1.1", "172.32.0.1", "192.0.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_over_tls_alone(text):
    assert RULES.permits(ip_address(text), scheme="https")
    assert not RULES.permits(ip_address(text), scheme="http")


def test_what_the_operator_names_is_allowed_and_nothing_beside_it():
    assert LOCAL.permits(ip_address("127.0.0.1"), scheme="http")
    assert LOCAL.permits(ip_address("::ffff:127.0.0.1"), scheme="http")
    assert LOCAL.permits(ip_address("fd00::1"), scheme="http")
    assert not LOCAL.permits(ip_address("10.0.0.1"), scheme="https")
