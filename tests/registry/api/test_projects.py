"""/api/projects/."""

import pytest

from registry.models import AuditEntry, TaskScore
from tests import factories as make
from tests.registry.operator.cases import RENAME, with_another_label

from .conftest import AUTH_QUERIES, assert_queries, code


def test_a_project_is_listed_with_its_champion_and_without_secrets(viewer, version):
    secret = make.ProjectFactory(
        setup_token="setup-secret", labelstudio_url="http://ls", labelstudio_key="key-secret"
    )
    answer = viewer.get("projects/")
    assert answer.json()["results"][1]["champion"] == {"id": version.pk, "label": version.label}
    page = viewer.get(f"projects/{secret.pk}/")
    assert page.json()["has_own_credentials"] is True
    for content in (answer.content, page.content):
        assert b"secret" not in content
        assert b"gAAAA" not in content  # not as a Fernet token either


def test_more_projects_take_no_more_queries(viewer, version):
    for _ in range(5):
        make.ModelVersionFactory(champion=True)
    with assert_queries(AUTH_QUERIES + 2):
        assert len(viewer.rows("projects/")) == 6


def test_projects_are_filtered_searched_and_ordered(viewer, version, project):
    other = make.ProjectFactory(title="Topics", hostname="http://other")
    assert ids(viewer, {"has_champion": "true"}) == [project.pk]
    assert ids(viewer, {"has_champion": "false"}) == [other.pk]
    assert ids(viewer, {"hostname": "http://other"}) == [other.pk]
    assert ids(viewer, {"uid": project.uid}) == [project.pk]
    assert ids(viewer, {"search": "topic"}) == [other.pk]
    assert ids(viewer, {"ordering": "title"}) == [project.pk, other.pk]


def test_projects_are_filtered_by_one_of_their_pipelines(viewer):
    one, several, another = (
        make.ProjectFactory(pipeline=text)
        for text in ("image_clusters", "image_classification, image_clusters", "clusters")
    )
    assert ids(viewer, {"pipeline": "image_clusters"}) == [several.pk, one.pk]
    assert ids(viewer, {"pipeline": "image_classification"}) == [several.pk]
    assert ids(viewer, {"pipeline": several.pipeline}) == [several.pk]
    assert ids(viewer, {"pipeline": "clusters"}) == [another.pk]
    assert ids(viewer, {"pipeline": "image_%"}) == []


def ids(caller, query):
    return [row["id"] for row in caller.rows("projects/", query)]


def test_the_score_to_accept_from_takes_the_projects_budget_or_another(viewer, admin, project):
    admin.patch(f"projects/{project.pk}/", {"error_budget": 0.1})
    url = f"projects/{project.pk}/auto-accept/"
    found = viewer.get(url).json()
    assert (found["budget"], found["threshold"], found["n"]) == (0.1, None, 0)
    assert "at most 10 % are wrong" in found["sentence"]
    assert viewer.get(f"{url}?budget=0.02").json()["budget"] == 0.02
    assert viewer.get(f"{url}?budget=2").status_code == 400


def test_a_setting_is_changed_and_the_others_stay(admin, project):
    answer = admin.patch(
        f"projects/{project.pk}/",
        {"policy": {"quiet_s": 30}, "promotion_rule": "never", "reason": "A slow week."},
    )
    assert answer.status_code == 200
    assert answer.json()["policy"]["quiet_s"] == 30
    assert answer.json()["policy"]["first_labels"] == 20
    assert answer.json()["promotion_rule"] == "never"
    entry = AuditEntry.objects.latest("id")
    assert (entry.verb, entry.actor, entry.reason) == ("configure", "ada", "A slow week.")
    answer = admin.patch(f"projects/{project.pk}/", {"policy": {"quiet_s": None}})
    assert answer.json()["policy"]["quiet_s"] == 5


def test_options_are_checked_by_the_engine(admin, project):
    url = f"projects/{project.pk}/"
    assert admin.patch(url, {"options": {"automl": "off"}}).json()["options"] == {"automl": "off"}
    assert code(admin.patch(url, {"options": {"magic": 1}})) == "option_invalid"
    assert code(admin.patch(url, {"policy": {"quiet": 1}})) == "setting_invalid"
    assert code(admin.patch(url, {"policy": {"quiet_s": -1}})) == "setting_invalid"
    assert code(admin.patch(url, {"policy": {"quiet_s": 1e300}})) == "setting_invalid"
    assert code(admin.patch(url, {"policy": 3})) == "input_invalid"
    assert code(admin.patch(url, {"title": "Mine"})) == "input_invalid"


def test_options_of_a_control_are_changed_one_by_one(admin, project):
    def options(**controls):
        answer = admin.patch(f"projects/{project.pk}/", {"options": {"controls": controls}})
        return answer.json()["options"]["controls"]

    set_first = options(looks={"similar_to": "cat", "k": 5}, kind={"automl": "on"})
    assert set_first == {"looks": {"similar_to": "cat", "k": 5}, "kind": {"automl": "on"}}
    assert options(looks={"k": 7})["looks"] == {"similar_to": "cat", "k": 7}
    assert options(looks={"k": None})["looks"] == {"similar_to": "cat"}
    assert options(looks=None)["looks"] is None  # which the engine takes away
    assert options(kind="on")["kind"] == "on"  # which the engine refuses
    answer = admin.patch(f"projects/{project.pk}/", {"options": {"controls": None}})
    assert "controls" not in answer.json()["options"]


def test_a_lead_changes_no_settings(lead, project):
    answer = lead.patch(f"projects/{project.pk}/", {"promotion_rule": "never"})
    assert code(answer) == "permission_denied"


def test_a_lead_rolls_back_with_a_reason(lead, project, version):
    newer = make.ModelVersionFactory(project=project, champion=True)
    url = f"projects/{project.pk}/roll-back/"
    assert code(lead.post(url)) == "input_invalid"
    answer = lead.post(url, {"reason": "Worse on Mondays."})
    assert answer.json()["champion"]["id"] == version.pk
    entry = AuditEntry.objects.latest("id")
    assert (entry.verb, entry.actor, entry.reason) == ("roll_back", "lea", "Worse on Mondays.")
    answer = lead.post(url, {"reason": "It was not.", "to": newer.pk})
    assert answer.json()["champion"]["id"] == newer.pk


def test_a_roll_back_that_cannot_be_is_refused(lead, viewer, version):
    url = f"projects/{version.project_id}/roll-back/"
    answer = lead.post(url, {"reason": "r"})
    assert answer.status_code == 409
    assert code(answer) == "nothing_to_roll_back_to"
    elsewhere = make.ModelVersionFactory()
    assert code(lead.post(url, {"reason": "r", "to": elsewhere.pk})) == "not_promotable"
    assert code(lead.post(url, {"reason": "r", "to": 0})) == "input_invalid"
    assert code(viewer.post(url, {"reason": "r"})) == "permission_denied"


def test_a_metric_is_one_series_over_the_versions(viewer, project, version):
    newer = make.ModelVersionFactory(project=project)
    make.ModelVersionFactory()
    url = f"projects/{project.pk}/metrics/"
    with assert_queries(AUTH_QUERIES + 2):
        series = viewer.get(url, {"name": "macro_f1"}).json()
    assert [point["version"] for point in series] == [version.pk, newer.pk]
    assert {point["value"] for point in series} == {0.8}
    assert [p["n"] for p in viewer.get(url).json()] == [40, 40]  # the primary one
    of_target = viewer.get(url, {"name": "accuracy", "target": "label"}).json()
    assert of_target[0]["baseline"] == 0.5
    assert viewer.get(url, {"name": "mae"}).json() == []
    assert code(viewer.get(url, {"nmae": "f1"})) == "input_invalid"


def test_the_answers_beside_humans_are_a_series_of_days(viewer, project, version):
    make.OutcomeFactory.create_batch(20, version=version)
    (day,) = viewer.get(f"projects/{project.pk}/prequential/", {"days": 7}).json()
    assert day["proportion"]["n"] == 20
    assert day["proportion"]["share"] == 1.0
    assert len(day["window"]["interval"]) == 2
    for days in ("0", "367", "x"):
        answer = viewer.get(f"projects/{project.pk}/prequential/", {"days": days})
        assert code(answer) == "input_invalid"


def test_the_least_sure_tasks_come_first_to_be_labelled(viewer, project, version):
    sure, unsure = (make.TaskFactory(project=project) for _ in range(2))
    TaskScore.objects.create(version=version, task=sure, score=0.9, margin=0.8, place=0.8)
    TaskScore.objects.create(version=version, task=unsure, score=0.4, margin=0.1, place=0.05)
    url = f"projects/{project.pk}/label-next/"
    with assert_queries(AUTH_QUERIES + 2):
        rows = viewer.get(url).json()
    assert [one["task"]["id"] for one in rows] == [unsure.pk, sure.pk]
    assert (rows[0]["score"], rows[0]["margin"], rows[0]["at_random"]) == (0.4, 0.1, True)
    assert (rows[1]["margin"], rows[1]["at_random"]) == (0.8, False)
    assert rows[0]["task"]["text"] == unsure.data["text"]
    assert len(viewer.get(url, {"limit": 1}).json()) == 1
    assert viewer.get(f"projects/{make.ProjectFactory().pk}/label-next/").json() == []


def test_labels_that_a_version_contradicts_are_listed_with_their_tasks(viewer, project, version):
    answers = ["Negative"] * 5 + ["Positive"]
    for human in answers:
        make.OutcomeFactory(
            version=version,
            task=make.TaskFactory(project=project, labelled=human),
            predicted="Negative",
            predicted_classes=["Negative"],
            human=human,
        )
    url = f"projects/{project.pk}/suspect-labels/"
    found = viewer.get(url).json()
    assert (found["count"], found["why_none"]) == (1, "")
    assert found["changed"] == {"n": 0, "correct": 0, "share": None, "interval": None}
    (label,) = found["labels"]
    assert (label["human"], label["predicted"], label["score"]) == ("Positive", "Negative", 0.9)
    assert (label["version"], label["source"]) == (version.label, "prequential")
    assert label["task"]["url"]
    assert viewer.get(url, {"target": "other"}).json()["labels"] == []
    assert code(viewer.get(url, {"limit": 0})) == "input_invalid"


def test_annotators_are_listed_with_their_agreement(viewer, project):
    make.TaskFactory(project=project, labelled="Positive")
    found = viewer.get(f"projects/{project.pk}/annotators/").json()
    assert (found["read"], found["limit"]) == (1, 2000)
    (target,) = found["targets"]
    nothing = {"n": 0, "correct": 0, "share": None, "interval": None}
    assert (target["target"], target["tasks"], target["pairs"]) == ("label", 0, nothing)
    (annotator,) = target["annotators"]
    assert (annotator["annotator"], annotator["labels"]) == (1, 1)


def test_the_tasks_most_like_one_come_in_the_engines_order(viewer, project):
    task, *others = make.ImageTaskFactory.create_batch(4, project=project)
    make.ImageTaskFactory()
    url = f"projects/{project.pk}/similar/"
    with assert_queries(AUTH_QUERIES + 4):  # project, task, the engine's own, similar ones
        rows = viewer.get(url, {"task": task.pk}).json()
    assert [one["task"]["id"] for one in rows] == [other.pk for other in others[::-1]]
    assert [one["cosine"] for one in rows] == pytest.approx([0.9, 0.8, 0.7])
    assert rows[0]["task"]["thumbnail"] == f"/api/tasks/{others[-1].pk}/thumbnail/"
    assert len(viewer.get(url, {"task": task.pk, "k": 2}).json()) == 2


def test_tasks_are_alike_within_their_project_only(viewer, project):
    url = f"projects/{project.pk}/similar/"
    task = make.ImageTaskFactory(project=project)
    elsewhere = make.ImageTaskFactory()
    for query in (
        {},
        {"task": elsewhere.pk},
        {"task": 0},
        {"task": "x"},
        {"task": task.pk, "k": 0},
        {"task": task.pk, "k": 101},
        {"task": task.pk, "n": 5},
    ):
        assert code(viewer.get(url, query)) == "input_invalid", query


def test_a_task_of_which_nothing_is_known_is_like_no_other(viewer, project):
    answer = viewer.get(
        f"projects/{project.pk}/similar/", {"task": make.TaskFactory(project=project).pk}
    )
    assert answer.status_code == 409
    assert code(answer) == "no_features"


def test_an_unknown_project_is_not_found(admin):
    for route in ("", "metrics/", "label-next/", "similar/", "suspect-labels/", "annotators/"):
        answer = admin.get(f"projects/999999/{route}")
        assert answer.status_code == 404
        assert code(answer) == "not_found"


def test_a_rename_is_offered_confirmed_and_undone(admin):
    project = with_another_label()
    page = f"projects/{project.pk}/"
    assert admin.get(page).json()["offered_renames"] == [RENAME]
    answer = admin.post(f"{page}rename-label/", {"rename": RENAME})
    assert (answer.status_code, answer.json()["label_renames"]) == (200, [RENAME])
    assert answer.json()["offered_renames"] == []
    refused = admin.post(f"{page}rename-label/", {"rename": RENAME})
    assert (refused.status_code, code(refused)) == (409, "refused")
    answer = admin.post(f"{page}undo-rename/", {"rename": RENAME})
    assert answer.json()["offered_renames"] == [RENAME]


def test_a_project_says_how_far_its_first_reading_is(viewer, project):
    assert viewer.get(f"projects/{project.pk}/").json()["reading"] is None
    project.reading = {"after": 2_500, "read": 2_500, "of": 20_000}
    project.save()
    assert viewer.get(f"projects/{project.pk}/").json()["reading"] == {"read": 2_500, "of": 20_000}


def test_controls_that_are_not_served_are_listed_with_their_reasons(admin):
    config = '<View><Unserved name="note"/></View>'
    page = f"projects/{make.ProjectFactory(label_config=config).pk}/"
    (found,) = admin.get(page).json()["unserved_controls"]
    assert found == {
        "control": "note",
        "code": "control_not_served",
        "message": "This cannot be served",
    }


def test_a_metric_that_does_not_exist_is_refused_with_those_that_do(viewer, project, version):
    answer = viewer.get(f"projects/{project.pk}/metrics/?name=nonsense")
    assert answer.status_code == 400
    assert code(answer) == "input_invalid"
    assert "macro_f1" in answer.content.decode()
    assert viewer.get(f"projects/{project.pk}/metrics/?name=mae").json() == []
    make.ModelVersionFactory(
        project=project, metrics=[{"name": "own_metric", "value": 0.5, "n": 40}]
    )
    assert viewer.get(f"projects/{project.pk}/metrics/?name=own_metric").json()[0]["value"] == 0.5


def test_settings_that_are_not_set_are_not_stored(admin, project):
    """A later default applies then."""
    answer = admin.patch(f"projects/{project.pk}/", {"options": {"seed": 3}})
    assert answer.json()["options"] == {"seed": 3}
    assert (
        admin.patch(f"projects/{project.pk}/", {"options": {"seed": None}}).json()["options"] == {}
    )


def test_credentials_are_set_and_the_key_is_in_no_answer(admin, project):
    route = f"projects/{project.pk}/set-credentials/"
    answer = admin.post(route, {"url": "http://ls/", "key": "key-secret"})
    assert answer.json()["has_own_credentials"] is True
    assert answer.json()["labelstudio_url"] == "http://ls"
    assert b"key-secret" not in answer.content
    assert AuditEntry.objects.latest("id").numbers == {"from": "", "to": "http://ls"}
    project.refresh_from_db()
    assert project.labelstudio_key == "key-secret"
    assert admin.post(route, {"url": "", "key": ""}).json()["has_own_credentials"] is False


@pytest.mark.parametrize("body", [{}, {"url": "http://ls"}, {"url": "http://ls", "key": ""}])
def test_an_incomplete_pair_does_not_change_the_credentials(admin, body):
    project = make.ProjectFactory(labelstudio_url="http://old", labelstudio_key="old")
    assert code(admin.post(f"projects/{project.pk}/set-credentials/", body)) == "input_invalid"
    project.refresh_from_db()
    assert (project.labelstudio_url, project.labelstudio_key) == ("http://old", "old")


def test_only_a_host_that_sent_a_setup_is_confirmed(admin):
    project = make.ProjectFactory(hostname="http://old", other_hostname="http://new")
    route, why = f"projects/{project.pk}/confirm-hostname/", {"reason": "It moved."}
    assert code(admin.post(route, {"hostname": "http://evil"} | why)) == "hostname_unknown"
    moved = admin.post(route, {"hostname": "http://new"} | why).json()
    assert (moved["hostname"], moved["hostname_confirmed"]) == ("http://new", True)


def test_a_connection_is_checked_and_a_failure_has_its_cure(lead, project):
    checked = lead.post(f"projects/{project.pk}/check-connection/").json()
    assert checked["connected"] is True
    broken = make.ProjectFactory(title="unreachable")
    answer = lead.post(f"projects/{broken.pk}/check-connection/")
    assert (answer.status_code, code(answer)) == (409, "connection_failed")
    assert answer.json()["error"]["message"] == "token: 401 Set a token."
    assert lead.get(f"projects/{broken.pk}/").json()["connected"] is False
