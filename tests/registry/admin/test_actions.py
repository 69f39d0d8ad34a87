"""The actions of the admin: each asks for a reason and reports its refusal."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from registry.actions import keys
from registry.models import AccessKey, AuditEntry, Project
from registry.models.run import RunState
from tests import factories as make

pytestmark = pytest.mark.django_db


def action_url(obj, name):
    return reverse(f"admin:registry_{obj._meta.model_name}_{name}", args=[obj.pk])


def do(client, obj, name, **fields):
    """Post the dialog; the message on the next page."""
    response = client.post(action_url(obj, name), {"_form_submitted": "True", **fields})
    assert response.status_code == 302, response.content.decode()[:2000]
    return [str(m) for m in get_messages(response.wsgi_request)][-1]


def test_a_version_is_promoted_with_a_reason(client):
    version = make.ModelVersionFactory()
    message = do(client, version, "promote", reason="Better on long texts.")
    assert version.label in message
    assert Project.objects.get(pk=version.project_id).champion_id == version.pk
    entry = AuditEntry.objects.filter(verb="promote").latest("id")
    assert (entry.actor, entry.reason, entry.to_version) == (
        "ada",
        "Better on long texts.",
        version,
    )


def test_nothing_is_promoted_without_a_reason(client):
    version = make.ModelVersionFactory()
    response = client.post(
        action_url(version, "promote"), {"_form_submitted": "True", "reason": ""}
    )
    assert "This field is required" in response.content.decode()
    assert Project.objects.get(pk=version.project_id).champion is None


def test_opening_the_dialog_changes_nothing(client):
    version = make.ModelVersionFactory()
    assert "Promote" in client.get(action_url(version, "promote")).content.decode()
    assert Project.objects.get(pk=version.project_id).champion is None


def test_a_dialog_posted_by_htmx_is_sent_on_by_a_header(client):
    version = make.ModelVersionFactory()
    response = client.post(
        action_url(version, "promote"),
        {"_form_submitted": "True", "reason": "r"},
        headers={"HX-Request": "true"},
    )
    assert response.headers["HX-Redirect"] == f"/admin/registry/modelversion/{version.pk}/change/"


def test_a_refused_promotion_is_reported_with_its_cure(client):
    version = make.ModelVersionFactory()
    do(client, version, "archive", reason="Old.")
    message = do(client, version, "promote", reason="Again.")
    assert "is archived" in message
    assert Project.objects.get(pk=version.project_id).champion is None


def test_a_project_is_rolled_back(client):
    project = make.ProjectFactory()
    first = make.ModelVersionFactory(project=project, champion=True)
    make.ModelVersionFactory(project=project, champion=True)
    assert first.label in do(client, project, "roll_back", reason="Worse on Mondays.")
    project.refresh_from_db()
    assert project.champion == first


def test_rolling_back_without_a_past_is_refused(client):
    project = make.ModelVersionFactory(champion=True).project
    assert "no earlier champion" in do(client, project, "roll_back", reason="r")


def precondition_in(client, obj, name):
    """The state that a dialog shows, as it sends it."""
    (found,) = re.findall(
        r'name="precondition" value="([^"]*)"', client.get(action_url(obj, name)).content.decode()
    )
    return found


def test_a_dialog_that_shows_another_champion_does_nothing(client):
    """Opened by two at once, or on a stale page: the second would go further back."""
    project = make.ProjectFactory()
    first, second, third = [
        make.ModelVersionFactory(project=project, champion=True) for _ in range(3)
    ]
    dialogs = [(project, "roll_back"), (third, "roll_back"), (first, "promote")]
    stated = [precondition_in(client, *dialog) for dialog in dialogs]
    assert stated == [third.label] * 3
    do(client, project, "roll_back", reason="Worse on Mondays.", precondition=stated[0])
    entries = AuditEntry.objects.count()

    for dialog in dialogs:
        message = do(client, *dialog, reason="Worse on Mondays.", precondition=third.label)
        assert f"is {second.label} by now, not {third.label}" in message

    assert AuditEntry.objects.count() == entries
    project.refresh_from_db()
    assert project.champion == second


def test_a_dialog_shows_that_nothing_serves(client):
    version, other = make.ModelVersionFactory.create_batch(2, project=make.ProjectFactory())
    stated = precondition_in(client, version, "promote")
    do(client, other, "promote", reason="The first.", precondition=stated)
    assert "by now, not none" in do(client, version, "promote", reason="r", precondition=stated)


def test_train_now_queues_a_run_once(client):
    project = make.ProjectFactory()
    assert "is queued" in do(client, project, "train_now", reason="New labels.")
    assert "already" in do(client, project, "train_now", reason="")
    run = project.runs.get()
    assert (run.trigger, run.actor) == ("admin", "ada")
    assert AuditEntry.objects.get(run=run, verb="train").reason == "New labels."


def test_a_queued_run_is_cancelled_and_retried(client):
    run = make.TrainingRunFactory()
    assert "is cancelled" in do(client, run, "cancel", reason="Not now.")
    run.refresh_from_db()
    assert run.state == RunState.CANCELLED
    assert "is queued" in do(client, run, "retry", reason="Now.")
    assert run.project.runs.get(state=RunState.QUEUED).retry_of == run


def test_a_run_that_has_ended_cannot_be_cancelled(client):
    run = make.TrainingRunFactory(state="succeeded")
    assert "has ended already" in do(client, run, "cancel", reason="")


def test_a_key_appears_once_and_is_stored_as_its_hash(client):
    project = make.ProjectFactory()
    response = client.post(
        reverse("admin:registry_accesskey_add"), {"name": "team", "project": project.pk}
    )
    key = AccessKey.objects.get()
    plain = response.context["url"].rsplit("/", 1)[1]
    assert response.context["url"] == f"http://testserver/k/{plain}"
    assert plain in response.content.decode()
    assert "no-store" in response.headers["Cache-Control"]
    assert key.digest == keys.digest(plain)
    assert (key.name, key.project) == ("team", project)
    page = client.get(reverse("admin:registry_accesskey_change", args=[key.pk]))
    assert plain not in page.content.decode()


def test_a_key_is_revoked(client):
    key = make.AccessKeyFactory()
    assert "is revoked" in do(client, key, "revoke", reason="It leaked.")
    key.refresh_from_db()
    assert key.revoked_at
    assert AuditEntry.objects.get(verb="revoke_key").reason == "It leaked."


def post_settings(client, project, **fields):
    form = {
        "promotion_rule": "if_at_least_as_good",
        "reason": "",
        "enabled": "on",
    } | fields
    return client.post(reverse("admin:registry_project_change", args=[project.pk]), form)


def test_the_settings_of_a_project_are_changed_by_an_action(client):
    project = make.ProjectFactory()
    response = post_settings(
        client,
        project,
        first_labels="50",
        changed_share="0.1",
        option_automl='"off"',
        promotion_rule="never",
        reason="We promote by hand.",
    )
    assert response.status_code == 302
    project.refresh_from_db()
    assert project.policy["first_labels"] == 50
    assert project.policy["changed_share"] == 0.1
    assert project.policy["quiet_s"] == 5  # left empty: the default
    assert project.policy["enabled"] is True
    assert project.options == {"automl": "off"}
    assert project.promotion_rule == "never"
    assert AuditEntry.objects.get(verb="configure").reason == "We promote by hand."


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"first_labels": "-1"}, "greater than or equal to 0"),
        ({"changed_share": "a lot"}, "Enter a number"),
        ({"first_classes": "2.5"}, "Enter a whole number"),
        ({"option_automl": '"perhaps"'}, "Select a valid choice"),
        ({"option_seed": "100"}, "less than or equal to 99"),
        ({"option_seed": "many"}, "Enter a whole number"),
        ({"promotion_rule": "sometimes"}, "Select a valid choice"),
    ],
)
def test_invalid_settings_are_reported_and_not_saved(client, fields, message):
    project = make.ProjectFactory()
    response = post_settings(client, project, **fields)
    assert response.status_code == 200
    assert message in response.content.decode()
    assert not AuditEntry.objects.filter(verb="configure").exists()


def test_an_option_that_is_left_empty_is_not_set_any_more(client):
    project = make.ProjectFactory(options={"automl": "off", "seed": 3})
    url = reverse("admin:registry_project_change", args=[project.pk])
    page = client.get(f"{url}?tab=learning").content.decode()
    assert '<option value="&quot;off&quot;" selected>off</option>' in page
    assert "Default: auto." in page
    post_settings(client, project, option_seed="3")
    project.refresh_from_db()
    assert project.options == {"seed": 3}


def test_options_that_have_no_field_stay(client):
    """Options of a control have no field while the label config cannot be read."""
    controls = {"controls": {"label": {"k": 5}}}
    project = make.ProjectFactory(options=controls)
    post_settings(client, project, option_seed="3")
    project.refresh_from_db()
    assert project.options == controls | {"seed": 3}


def test_a_switch_that_is_off_ends_training_by_itself(client):
    project = make.ProjectFactory()
    post_settings(client, project, enabled="")
    project.refresh_from_db()
    assert project.policy["enabled"] is False


def test_the_uid_of_a_project_cannot_be_posted(client):
    project = make.ProjectFactory()
    uid = project.uid
    post_settings(client, project, uid="9.9", title="mine", champion="1")
    project.refresh_from_db()
    assert project.uid == uid
    assert project.champion is None


def test_credentials_are_set_as_a_pair(client):
    project = make.ProjectFactory()
    half = client.post(
        action_url(project, "set_credentials"), {"_form_submitted": "True", "url": "http://ls:8080"}
    )
    assert "are a pair" in half.content.decode()
    do(client, project, "set_credentials", url="http://ls:8080/", key="a-token")
    project.refresh_from_db()
    assert (project.labelstudio_url, project.labelstudio_key) == ("http://ls:8080", "a-token")
    dialog = client.get(action_url(project, "set_credentials")).content.decode()
    assert "a-token" not in dialog
    assert "a-token" not in str(AuditEntry.objects.get(verb="set_credentials").numbers)


def test_a_url_without_a_scheme_is_refused(client):
    project = make.ProjectFactory()
    message = do(client, project, "set_credentials", url="localhost:8080", key="k")
    assert "http://" in message
    project.refresh_from_db()
    assert project.labelstudio_key == ""


def test_another_host_takes_over_only_when_it_is_confirmed(client):
    project = make.ProjectFactory(
        hostname="http://old", other_hostname="http://new", setup_token="of-old"
    )
    do(client, project, "confirm_hostname", hostname="http://new", reason="It moved.")
    project.refresh_from_db()
    assert (project.hostname, project.other_hostname) == ("http://new", "")
    assert project.hostname_confirmed
    assert project.setup_token == ""


def test_a_host_that_never_called_cannot_be_confirmed(client):
    project = make.ProjectFactory(hostname="http://old")
    response = client.post(
        action_url(project, "confirm_hostname"),
        {"_form_submitted": "True", "hostname": "http://evil", "reason": "r"},
    )
    assert "Select a valid choice" in response.content.decode()


def test_a_connection_check_names_the_step_and_its_cure(client):
    assert "can be reached" in do(client, make.ProjectFactory(), "check_connection")
    broken = make.ProjectFactory(title="unreachable")
    assert do(client, broken, "check_connection") == "token: 401 Set a token."
    page = client.get(reverse("admin:registry_project_change", args=[broken.pk]))
    assert "Set a token." in page.content.decode()


def test_a_note_is_stored_and_the_one_before_stays_in_the_audit_entry(client):
    version = make.ModelVersionFactory()
    do(client, version, "write_note", note="Good on short texts.")
    do(client, version, "write_note", note="Good.")
    version.refresh_from_db()
    assert version.note == "Good."
    assert AuditEntry.objects.filter(verb="note").latest("id").numbers == {
        "from": "Good on short texts."
    }


def test_a_viewer_sees_no_buttons_and_is_refused_actions_by_url(client):
    version = make.ModelVersionFactory()
    viewer = User.objects.create_user("vera", is_staff=True)
    viewer.user_permissions.set(
        Permission.objects.filter(content_type__app_label="registry", codename__startswith="view_")
    )
    client.force_login(viewer)
    page = client.get(reverse("admin:registry_modelversion_change", args=[version.pk]))
    assert page.status_code == 200
    assert "rocket_launch" not in page.content.decode()
    assert client.post(action_url(version, "promote"), {"_form_submitted": "1"}).status_code == 403
    project = reverse("admin:registry_project_change", args=[version.project_id])
    assert client.get(project).status_code == 200
    assert post_settings(client, version.project).status_code == 403
    assert client.get(reverse("admin:registry_accesskey_add")).status_code == 403
    assert client.post(action_url(version.project, "train_now"), {}).status_code == 403


def test_an_unknown_object_is_not_found(client):
    url = reverse("admin:registry_modelversion_promote", args=[999_999])
    assert client.post(url, {"_form_submitted": "True", "reason": "r"}).status_code == 404


def test_a_post_without_a_csrf_token_is_refused(rows):
    version = rows["modelversion"][1]
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_superuser("bob"))
    answer = strict.post(action_url(version, "promote"), {"_form_submitted": "1", "reason": "r"})
    assert answer.status_code == 403
