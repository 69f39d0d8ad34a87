"""MEDIA_ALLOWED_HOSTS: what an entry allows, and into which network its name may lead."""

import ipaddress
import socket
import subprocess
import sys
import threading

import pytest

from mlapi.media.addresses import parse
from mlapi.media.allowlist import AllowedHosts, is_public
from mlapi.media.fetch import resolve_host
from tests.evals_backend.running import ROOT, environment

PUBLIC = ["93.184.216.34", "8.8.8.8", "100.63.255.255", "172.32.0.1", "2606:2800:220:1::1"]
PUBLIC += ["64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8"]
INSIDE = ["127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1"]
INSIDE += ["169.254.169.254", "100.64.0.1", "100.100.100.200", "0.0.0.0", "0.1.2.3"]
INSIDE += ["192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "192.88.99.1"]
INSIDE += ["224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "168.63.129.16"]
INSIDE += ["::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1"]
INSIDE += ["ff02::1", "2001:db8::1", "2001::1", "3fff::1", "4000::1", "100::1"]
# The same in IPv6's clothes.
INSIDE += ["::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"]
INSIDE += ["64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:7f00:1::1"]


@pytest.mark.parametrize("text", PUBLIC)
def test_the_internet_is_public(text):
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", INSIDE)
def test_nothing_else_is(text):
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    ("entry", "allowed", "refused"),
    [
        ("example.com", "http://example.com/a", "http://example.com:8080/a"),
        ("example.com", "https://EXAMPLE.com./a", "https://example.com:80/a"),
        ("Example.COM.", "https://example.com/a", "https://a.example.com/a"),
        ("example.com:8080", "http://example.com:8080/a", "http://example.com/a"),
        ("*.example.com", "https://a.b.example.com/a", "https://example.com/a"),
        ("*.example.com", "https://a.example.com/a", "https://badexample.com/a"),
        ("*.example.com:8443", "https://a.example.com:8443/a", "https://a.example.com/a"),
        ("münchen.example", "https://xn--mnchen-3ya.example/a", "https://munchen.example/a"),
        ("10.0.0.7", "http://10.0.0.7/a", "http://10.0.0.70/a"),
        ("10.0.0.7:9000", "http://[::ffff:10.0.0.7]:9000/a", "http://10.0.0.7/a"),
        ("[fd00::7]:9000", "http://[fd00:0::7]:9000/a", "http://[fd00::8]:9000/a"),
        ("a.internal=10.0.0.0/8", "http://a.internal/x", "http://b.internal/x"),
    ],
)
def test_an_entry_allows_its_host_and_port(entry, allowed, refused):
    hosts = AllowedHosts([entry])
    assert hosts.allows(parse(allowed))
    assert not hosts.allows(parse(refused))


@pytest.mark.parametrize(
    ("entries", "reached", "refused"),
    [
        (["a.example"], PUBLIC, INSIDE),
        (["*.example"], PUBLIC, INSIDE),
        (["a.example=10.0.0.0/8"], ["10.1.2.3", "::ffff:10.1.2.3"], [*PUBLIC, "127.0.0.1"]),
        (["a.example=fd00::/8"], ["fd00::9"], [*PUBLIC, "10.0.0.1", "fe80::1"]),
        (["a.example=10.0.0.0/8", "a.example"], [*PUBLIC, "10.0.0.1"], ["127.0.0.1", "fd00::1"]),
        (["a.example:99=10.0.0.0/8", "a.example"], PUBLIC, ["10.0.0.1"]),
    ],
)
def test_a_name_leads_into_the_internet_or_the_network_of_its_entry(entries, reached, refused):
    hosts, address = AllowedHosts(entries), parse("http://a.example/x")
    assert all(hosts.may_reach(address, ipaddress.ip_address(ip)) for ip in reached)
    assert not any(hosts.may_reach(address, ipaddress.ip_address(ip)) for ip in refused)


def test_an_ip_address_as_an_entry_leads_to_itself():
    hosts, address = AllowedHosts(["127.0.0.1:80"]), parse("http://127.0.0.1/x")
    assert hosts.may_reach(address, ipaddress.ip_address("127.0.0.1"))
    assert not hosts.may_reach(address, ipaddress.ip_address("127.0.0.2"))
    assert not hosts.may_reach(address, ipaddress.ip_address("8.8.8.8"))


@pytest.mark.parametrize(
    "entry",
    [
        *(
            "https://example.com",
            "example.com/path",
            "*",
            "*.",
            "a.*.example.com",
            "me@example.com",
        ),
        *("example.com:0", "example.com:99999", "example.com:", "example.com=", "a.example=10.0.0"),
        *("a.example=10.0.0.1/8", "*.10.0.0.1", "10.0.0.1=10.0.0.0/8", "127.1", "[::1", "::1"),
    ],
)
def test_an_entry_that_cannot_be_read_is_an_error_that_names_it(entry):
    with pytest.raises(ValueError, match="is|has") as error:
        AllowedHosts([entry])
    assert repr(entry) in str(error.value)


def test_a_wrong_setting_stops_the_start(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "from evals_backend import settings"],
        cwd=ROOT,
        env=environment(
            tmp_path, DATABASE_URL="postgres:///unused", MEDIA_ALLOWED_HOSTS="a.example,http://b"
        ),
        capture_output=True,
        text=True,
    )
    assert "ImproperlyConfigured: MEDIA_ALLOWED_HOSTS: 'http://b'" in done.stderr.splitlines()[-1]


def test_the_systems_resolver_has_a_timeout(monkeypatch):
    assert ipaddress.ip_address("127.0.0.1") in resolve_host("localhost", 80, 20)
    with pytest.raises(OSError):
        resolve_host("no-such-host.invalid", 80, 20)
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: answered.wait(20) and [])
    with pytest.raises(TimeoutError):
        resolve_host("slow.example", 80, 0.05)
    answered.set()
