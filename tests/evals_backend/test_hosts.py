"""A host name that is not allowed is refused by name of the setting."""

import pytest

OTHER = {"host": "evil.example.com"}
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_the_refusal_names_the_setting_and_not_what_the_caller_sent(client, settings):
    settings.ALLOWED_HOSTS = ["ml.example.com"]
    response = client.get("/health", headers={"host": "evil.example.com"})
    assert response.status_code == 400
    assert "host name of the request is not allowed" in response.reason_phrase
    assert "ALLOWED_HOSTS" in response.reason_phrase
    assert len(response.reason_phrase) <= 120
    assert response.reason_phrase.isascii()
    error = response.json()["error"]
    assert error["code"] == "host_not_allowed"
    assert "ALLOWED_HOSTS" in error["hint"]
    assert error["request_id"]
    assert "evil" not in response.content.decode()


def test_an_allowed_name_is_answered(client, settings):
    settings.ALLOWED_HOSTS = ["ml.example.com"]
    assert client.get("/health", headers={"host": "ml.example.com:9090"}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/health", "/admin/", "/admin/login/", "/nothing"])
def test_a_browser_gets_a_page_that_says_what_to_set(client, settings, path):
    settings.ALLOWED_HOSTS = ["ml.example.com"]
    response = client.get(path, headers=OTHER | BROWSER)
    assert (response.status_code, response["Content-Type"][:9]) == (400, "text/html")
    page = response.content.decode()
    assert "<h1>Host name not allowed</h1>" in page
    assert "PUBLIC_URL=https://" in page and "ALLOWED_HOSTS=" in page
    assert response["Vary"] == "Accept"
    for text in ("evil", "href=", "ml.example.com:", 'src="'):
        assert text not in page.replace('href="data:,"', ""), text


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/admin/", {"accept": "*/*"}),
        ("/setup", {}),
        ("/api/projects/", BROWSER),
        (f"/k/{'a' * 32}/setup", BROWSER),
    ],
)
def test_a_program_gets_json_on_every_route(client, settings, path, headers):
    settings.ALLOWED_HOSTS = ["ml.example.com"]
    response = client.get(path, headers=OTHER | headers)
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["code"] == "host_not_allowed"
    assert "PUBLIC_URL" in error["hint"] and "ALLOWED_HOSTS" in error["hint"]
