"""Web addresses: one spelling for each that is taken, and a reason for each that is not."""

import ipaddress
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlapi.media.addresses import AddressRefused, clean, host, leaves_its_root, parse


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("http://example.com", "http://example.com/"),
        ("HTTPS://Example.COM:443/A.png", "https://example.com/A.png"),
        ("http://example.com.:80/a", "http://example.com/a"),
        ("http://example.com:8080/a?b=c#d", "http://example.com:8080/a?b=c"),
        ("  https://example.com/a b.png\n", "https://example.com/a%20b.png"),
        ("https://example.com/%C3%A9t%C3%A9", "https://example.com/%C3%A9t%C3%A9"),
        ("https://example.com/été", "https://example.com/%C3%A9t%C3%A9"),
        ("https://example.com/100%/a%20b", "https://example.com/100%25/a%20b"),
        ("https://münchen.example/a", "https://xn--mnchen-3ya.example/a"),
        ("https://例え.example/a", "https://xn--r8jz45g.example/a"),
        ("http://１２７.０.０.１/a", "http://127.0.0.1/a"),
        ("http://[2001:DB8::0:1]:8080/a", "http://[2001:db8::1]:8080/a"),
        ("http://[::ffff:127.0.0.1]/a", "http://127.0.0.1/a"),
        ("http://[::ffff:7f00:1]/a", "http://127.0.0.1/a"),
        ("http://a_b.example.com/photo..png", "http://a_b.example.com/photo..png"),
        ("http://example.com?a=../b", "http://example.com/?a=../b"),
    ],
)
def test_an_address_has_one_spelling(written, read):
    assert str(parse(written)) == read
    assert parse(read) == parse(written)


@pytest.mark.parametrize(
    "address",
    [
        *("", "   ", "a.png", "/a.png", "//example.com/a.png", "http:/example.com/a", "http:a"),
        *("http://", "http:///a.png", "http://?a", "http://#a", "https//example.com/a"),
        *("file:///etc/passwd", "ftp://example.com/a", "gopher://example.com/", "javascript:1"),
        *("C:\\a.png", "\\\\host\\a.png", "http:\\\\example.com\\a", "http://example.com\\@b/a"),
        *("http://me@example.com/a", "http://me:secret@example.com/a", "http://@example.com/a"),
        *("http://example.com/a\x00.png", "http://exa\nmple.com/a", "http://example.com/\ud800"),
        *("http://example.com:0/a", "http://example.com:65536/a", "http://example.com:8x/a"),
        *("http://example.com:999999/a", "http://a..b/a", "http://.a/b", "http://-a.b/c"),
        *("http://exa mple.com/a", "http://exa%6dple.com/a", "http://*.example.com/a"),
        *("http://[::1/a", "http://::1/a", "http://[fe80::1%25eth0]/a", "http://[v1.x]/a"),
        *("http://127.1/a", "http://2130706433/a", "http://0x7f000001/a", "http://0177.0.0.1/a"),
        *("http://127.0.0.1.5/a", "http://0x7f.0.0.1/a", "http://127.000.000.001/a"),
        *("http://example.0x7f/a", "http://1.2.3.256/a", "http://１２７.１/a"),
        *("http://example.com/../a", "http://example.com/a/..", "http://example.com/a/./b"),
        *("http://example.com/%2e%2e/a", "http://example.com/%2E./a", "http://x.y/%252e%252e/a"),
        *("http://example.com/%5c..%5ca", "http://example.com/a%00.png", "http://x.y/%25252525"),
        "http://example.com/" + "a" * 9000,
        "http://" + "a" * 64 + ".com/",
        "http://" + "a." * 140 + "com/",
    ],
)
def test_an_address_that_is_none_or_hides_what_it_is_is_refused(address):
    with pytest.raises(AddressRefused) as refused:
        parse(address)
    assert refused.value.message.isascii()


@pytest.mark.parametrize("address", [None, 7, True, ["http://example.com/a"], {"a": 1}, b"http://"])
def test_an_address_that_is_no_text_is_refused(address):
    with pytest.raises(AddressRefused):
        clean(address)


@settings(max_examples=500, deadline=None)
@given(text=st.text() | st.from_regex(r"https?://[^ ]{0,40}") | st.text("htps:/@.[]%\\2e?#1a "))
def test_whatever_is_written_is_read_in_one_spelling_or_refused(text):
    try:
        read = parse(text)
    except AddressRefused as refused:
        assert refused.message.isascii()
        assert "\n" not in refused.message
        return
    again = str(read)
    assert parse(again) == read  # what was taken once is taken as it was read
    split = urlsplit(again)
    assert split.scheme in {"http", "https"}
    assert split.username is split.password is None
    assert (split.hostname, split.port or read.port) == (read.host, read.port)
    assert again.isascii()
    assert not any(c.isspace() for c in again)
    assert ".." not in split.path.split("/")


@settings(max_examples=300, deadline=None)
@given(number=st.integers(0, 2**32 - 1))
def test_an_ip_address_has_no_second_spelling(number):
    dotted = str(ipaddress.IPv4Address(number))
    assert host(dotted) == host(f"[::ffff:{dotted}]") == dotted
    a, b, c, d = dotted.split(".")
    others = {
        str(number),
        hex(number),
        f"{int(a):#o}.{b}.{c}.{d}",
        f"{a}.{b}.{int(c) * 256 + int(d)}",
    }
    for other in others - {dotted}:
        with pytest.raises(AddressRefused):
            host(other.replace("0o", "0") if "0o" in other else other)


@settings(max_examples=300, deadline=None)
@given(
    parts=st.lists(st.sampled_from(["..", ".", "a", "b c", "photo..", "%", "é"]), min_size=1),
    times=st.integers(0, 6),
)
def test_a_path_that_goes_up_is_refused_however_often_it_is_encoded(parts, times):
    path = "/".join(parts)
    for _ in range(times):
        path = path.replace("%", "%25").replace(".", "%2e").replace("/", "%2F")
    if {"..", "."} & set(parts):
        assert leaves_its_root(path)
    elif times < 2:
        assert not leaves_its_root(quote("/".join(parts)))
