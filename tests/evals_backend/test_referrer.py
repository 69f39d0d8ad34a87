"""The referrer policy: a browser never repeats an address with a key."""

import pytest

pytestmark = pytest.mark.django_db


def test_a_path_with_a_key_is_repeated_to_no_one(client):
    response = client.get("/k/abcdefghijklmnopqrstuvwxyz234567/health")
    assert response.headers["Referrer-Policy"] == "no-referrer"


def test_the_login_form_is_posted_with_its_origin(client):
    """With `no-referrer` a browser posts `Origin: null`, which Django refuses."""
    response = client.get("/admin/login/")
    assert response.headers["Referrer-Policy"] == "same-origin"
