"""The pages of a version, and versions with outcomes for them."""

from django.urls import reverse

from tests import factories as make


def url_of(version):
    return reverse("admin:registry_modelversion_change", args=[version.pk])


def page_of(client, version, query=""):
    response = client.get(url_of(version) + query)
    assert response.status_code == 200
    return response.content.decode()


def dialog_of(client, version, action):
    return client.get(reverse(f"admin:registry_modelversion_{action}", args=[version.pk]))


def classifier(project, answers, *, labels=("Negative", "Positive"), target="label", **version):
    """A version that answered a task each: (human, predicted, score)."""
    rows = []
    for number, (human, predicted, score) in enumerate(answers):
        task = make.TaskFactory(project=project, data={"text": f"text {number} {human}"})
        rows.append(
            {
                "task": task.pk,
                "target": target,
                "predicted": predicted,
                "score": score,
                "human": human,
                "correct": human == predicted,
            }
        )
    return make.ModelVersionFactory(
        project=project,
        targets=[make.TARGET | {"name": target, "labels": list(labels)}],
        outcomes=rows,
        **version,
    )
