"""The license: the whole text, and the same name wherever it is named."""

import hashlib
import tomllib

from tests.documentation.pages import ROOT, text_of

# The SHA-256 of https://www.apache.org/licenses/LICENSE-2.0.txt
APACHE = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"


def test_the_license_is_apache_2_in_its_whole_text():
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE


def test_metadata_and_readme_name_the_license():
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    assert project["license"] == "Apache-2.0"
    assert project["license-files"] == ["LICENSE"]
    assert "[Apache-2.0](LICENSE)" in text_of("README.md")
