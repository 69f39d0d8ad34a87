"""A host name that is not allowed is refused by name of the setting."""


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
