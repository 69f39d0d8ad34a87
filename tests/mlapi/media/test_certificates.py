"""Certificates that are not of a public authority, of a real TLS server on the loopback."""

from pathlib import Path

import pytest

from mlapi import certificates
from mlapi.domain import InputError
from mlapi.labelstudio.client import LabelStudio
from mlapi.labelstudio.errors import CertificateUntrusted
from mlapi.mirror.connection_check import check
from registry.actions import project_settings
from registry.actions import projects as actions
from tests.mlapi.media.certificate import certificate_of, server_tls
from tests.mlapi.media.server import FileServer


@pytest.fixture
def certificate(tmp_path):
    return certificate_of("localhost", tmp_path)


@pytest.fixture
def https_url(certificate):
    """The URL of a Label Studio with that certificate: of its health check, which comes first."""
    with FileServer(tls=server_tls(certificate)) as server:
        server.files["/health"] = b'{"status": "UP"}'
        yield f"https://localhost:{server.port}"


def test_the_check_says_that_the_certificate_is_not_trusted_and_names_the_setting(https_url, db):
    project = actions.get_or_create("3.1795420847")
    project_settings.set_credentials(project, https_url, "a-token", actor="test")
    report = check(project)
    (step,) = report["steps"]
    assert (step["step"], step["ok"]) == ("reach", False)
    assert "self-signed certificate" in step["detail"]
    assert "SSL_CERT_FILE" in step["cure"]


def test_a_certificate_in_the_file_is_trusted_beside_the_public_ones(
    https_url, certificate, settings
):
    with LabelStudio(https_url, "") as client, pytest.raises(CertificateUntrusted) as raised:
        client.health()
    assert raised.value.code == "labelstudio_certificate"
    settings.SSL_CERT_FILE = str(certificate)
    with LabelStudio(https_url, "") as client:
        client.health()
    trusted = {str(one["subject"]) for one in certificates.tls().get_ca_certs()}
    assert any("localhost" in subject for subject in trusted)
    assert any("ISRG Root X1" in subject for subject in trusted)


@pytest.mark.parametrize("trusted", ["root", "intermediate", "localhost"])
def test_any_certificate_of_the_chain_may_be_the_one_that_is_trusted(trusted, tmp_path, settings):
    root = certificate_of("root", tmp_path)
    intermediate = certificate_of("intermediate", tmp_path, by=root)
    own = certificate_of("localhost", tmp_path, by=intermediate)
    with own.open("a") as chain:
        chain.write(intermediate.read_text().partition("-----END PRIVATE KEY-----\n")[2])
    settings.SSL_CERT_FILE = str(tmp_path / "trusted.pem")
    found = (tmp_path / f"{trusted}.pem").read_text()
    certificate = found.partition("-----END PRIVATE KEY-----\n")[2]
    Path(settings.SSL_CERT_FILE).write_text(certificate)
    with FileServer(tls=server_tls(own)) as server:
        server.files["/health"] = b'{"status": "UP"}'
        with LabelStudio(f"https://localhost:{server.port}", "") as client:
            client.health()


@pytest.mark.parametrize(
    ("name", "days", "words", "cure"),
    [
        ("labels.example.com", 1, "not valid for 'localhost'", "the name that is in it"),
        ("localhost", -1, "expired", "Renew"),
    ],
)
def test_what_no_trust_would_mend_has_a_cure_of_its_own(
    name, days, words, cure, tmp_path, settings
):
    certificate = certificate_of(name, tmp_path, days=days)
    settings.SSL_CERT_FILE = str(certificate)
    with FileServer(tls=server_tls(certificate)) as server:
        client = LabelStudio(f"https://localhost:{server.port}", "")
        with client, pytest.raises(CertificateUntrusted) as raised:
            client.health()
    assert words in raised.value.message
    assert cure in raised.value.hint and "SSL_CERT_FILE" not in raised.value.hint


def test_media_of_label_studio_have_the_same_reason(https_url, project, reading):
    project.labelstudio_url, project.labelstudio_key = https_url, "a-token"
    with pytest.raises(InputError) as raised:
        reading(of=project).fetch("/data/upload/3/a.png")
    assert raised.value.code == "media_certificate"
