"""The first key and the first admin: created once, their secrets in one private file."""

import threading

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.db import connection

from evals_backend import first_login
from registry.actions import keys
from registry.models import AccessKey


@pytest.fixture
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.mark.django_db
def test_the_file_holds_the_key_and_the_password_that_work(data_dir):
    plain = first_login.make()
    text = (data_dir / "first-login.txt").read_text()
    assert f"/k/{plain}" in text
    assert AccessKey.objects.get().digest == keys.digest(plain)
    password = text.rsplit("Password: ", 1)[1].strip()
    assert authenticate(username="admin", password=password).is_superuser
    assert (data_dir / "first-login.txt").stat().st_mode & 0o777 == 0o600


@pytest.mark.django_db
def test_a_later_start_makes_nothing_and_leaves_the_file_alone(data_dir):
    first_login.make()
    before = (data_dir / "first-login.txt").read_text()
    assert first_login.make() is None
    assert (data_dir / "first-login.txt").read_text() == before
    assert AccessKey.objects.count() == 1


@pytest.mark.django_db
def test_where_there_is_a_user_already_no_admin_is_added(data_dir):
    get_user_model().objects.create_user("someone")
    assert first_login.make() is None
    assert not (data_dir / "first-login.txt").exists()


@pytest.mark.django_db
def test_a_start_that_cannot_write_the_file_makes_no_key_that_nobody_knows(data_dir):
    (data_dir / "first-login.txt").mkdir()  # where the file should go
    with pytest.raises(OSError, match="first-login"):
        first_login.make()
    assert not AccessKey.objects.exists()
    assert not get_user_model().objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_servers_that_start_at_once_make_one_login(data_dir):
    made, together = [], threading.Barrier(2)

    def start() -> None:
        together.wait()
        made.append(first_login.make())
        connection.close()

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(key is None for key in made) == [False, True]
    assert AccessKey.objects.count() == 1
