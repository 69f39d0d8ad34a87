"""The stored names of the dump, and today's. A rename of something stored edits this.

What has its name still needs no line, but in the first tables, which list all that there is.
"""

import hashlib
from typing import Any

# Each table of the dump whose rows must all be there, by today's name.
TABLES = {
    name: name
    for name in (
        *("auth_user", "auth_group", "auth_user_groups", "authtoken_token", "django_session"),
        *("django_admin_log", "django_q_schedule", "django_q_task"),
        *("registry_accesskey", "registry_event", "registry_exemplar"),
        *("registry_feature", "registry_metric", "registry_modelversion", "registry_outcome"),
        *("registry_project", "registry_target", "registry_task", "registry_taskscore"),
        *("registry_trainingrun", "registry_worker"),
    )
}
TABLES["registry_act"] = "registry_auditentry"
# Tables compared by meaning, because migrate makes new ids or contents for their rows.
COMPARED_OTHERWISE = {
    "auth_permission",  # test_access
    "auth_group_permissions",  # test_access
    "auth_user_user_permissions",  # test_access
    "django_content_type",  # test_access, and the admin's log below
    "django_migrations",
    "django_q_ormq",  # test_jobs
}
# How many rows the upgrade adds to a table of the dump.
ADDED_ROWS: dict[str, int] = {}
# (table, id) of the dump: what the upgrade writes. A version that failed to load once is converted,
# and has been loaded for it.
CHANGED_ROWS: dict[tuple[str, int], dict[str, Any]] = {
    ("registry_modelversion", 4): {"load_failed_at": None, "load_error": ""},
}
# (table, column) of the dump: today's name of the column, None where it is gone.
COLUMNS: dict[tuple[str, str], str | None] = {
    ("registry_event", "settled_at"): "processed_at",
    ("registry_feature", "seen_at"): "extracted_at",
    ("registry_project", "seen_updated_at"): "sync_cursor_at",
    ("registry_task", "answered"): "labelled_controls",
    ("registry_worker", "seen_at"): "heartbeat_at",
}
# (table, column) of the dump: values that have another name today, in JSON at any depth.
VALUES: dict[tuple[str, str], dict[str, str]] = {}
# (table, column) of the dump, whose values are JSON: keys at any depth with another name today.
KEYS: dict[tuple[str, str], dict[str, str]] = {}

# What an installation of the dump's time could hold, and the dump does not.
OLDER_NAMES_SQL = """
UPDATE registry_trainingrun SET error_code = 'pictures_unavailable',
    error = 'None of 3 images can be read: picture_broken, It is damaged. (3)' WHERE id = 18;
UPDATE registry_trainingrun SET
    dataset_counts = dataset_counts || '{"pictures": {"pictures": 30, "kept": 20, "read": 10}}',
    candidates = '[{"name": "picture features, linear"}, {"name": "picture features, kernel"}]'
    WHERE id = 30;
ALTER TABLE registry_modelversion DISABLE TRIGGER version_is_immutable;
UPDATE registry_modelversion SET recipe = 'picture features, kernel' WHERE id = 10;
ALTER TABLE registry_modelversion ENABLE TRIGGER version_is_immutable;
ALTER TABLE registry_act DISABLE TRIGGER act_is_append_only;
UPDATE registry_act SET numbers = jsonb_set(numbers, '{clause}', '"not_judged"')
    WHERE numbers ->> 'clause' = 'worse';
ALTER TABLE registry_act ENABLE TRIGGER act_is_append_only;
"""
VALUES["registry_trainingrun", "error_code"] = {"pictures_unavailable": "images_unavailable"}
VALUES["registry_trainingrun", "error"] = {
    "None of 3 images can be read: picture_broken, It is damaged. (3)": (
        "None of 3 images can be read: image_broken, It is damaged. (3)"
    )
}
KEYS["registry_trainingrun", "dataset_counts"] = {
    "pictures": "images",
    "kept": "cached",
    "read": "downloaded",
}
VALUES["registry_trainingrun", "candidates"] = VALUES["registry_modelversion", "recipe"] = {
    "picture features, linear": "image features, linear",
    "picture features, kernel": "image features, kernel",
}
VALUES["registry_project", "promotion_rule"] = {"if_better": "if_at_least_as_good"}
VALUES["registry_act", "numbers"] = {"not_judged": "not_evaluated"}

# A token goes on working, and is stored as its hash.
VALUES["authtoken_token", "key"] = {
    f"token-of-{user}": hashlib.sha256(f"token-of-{user}".encode()).hexdigest()[:40]
    for user in ("root", "admin", "lead", "viewer", "outsider")
}
VALUES["registry_target", "kind"] = {"single": "choice", "multiple": "choices"}

# Models of the dump by today's name, where a row's content type names them.
MODELS: dict[str, str] = {"registry.act": "registry.auditentry"}
# Permissions of the dump by today's name.
PERMISSIONS: dict[str, str] = {
    f"registry.{verb}_act": f"registry.{verb}_auditentry"
    for verb in ("add", "change", "delete", "view")
}
# Permissions that a later migration granted to a group.
GRANTED_SINCE: dict[str, set[str]] = {
    "viewer": set(),
    "lead": {"registry.archive_project"},
    "admin": {
        *("registry.archive_project", "registry.call_routes_project"),
        *("registry.view_webhook", "registry.add_webhook", "registry.manage_webhook"),
        "registry.view_webhookdelivery",
    },
}
# Every action that people do, by today's name, and the permission that it needed in the dump; of
# one that is newer, the permission of the dump that it is covered by, or that was granted since.
ACTIONS = {
    "train": "registry.train_project",
    "cancel": "registry.train_project",
    "retry": "registry.train_project",
    "promote": "registry.promote_modelversion",
    "clear_load_failure": "registry.promote_modelversion",
    "roll_back": "registry.roll_back_project",
    "archive": "registry.archive_modelversion",
    "unarchive": "registry.archive_modelversion",
    "archive_project": "registry.archive_project",  # granted since
    "unarchive_project": "registry.archive_project",
    "label_next_tab": "registry.train_project",
    "note": "registry.note_modelversion",
    "tags": "registry.note_modelversion",
    "check_connection": "registry.check_project",
    "configure": "registry.configure_project",
    "rename_label": "registry.configure_project",
    "undo_rename": "registry.configure_project",
    "set_credentials": "registry.connect_project",
    "confirm_hostname": "registry.connect_project",
    "new_key": "registry.add_accesskey",
    "revoke_key": "registry.revoke_accesskey",
    "new_webhook": "registry.add_webhook",
    "new_webhook_secret": "registry.manage_webhook",
    "disable_webhook": "registry.manage_webhook",
    "enable_webhook": "registry.manage_webhook",
    "send_test": "registry.manage_webhook",
}

# Every function that a queued job or a schedule of the dump calls, by today's name.
JOBS = {
    f"mlapi.jobs.{name}": f"mlapi.jobs.{name}"
    for name in ("sync", "train", "fall_back", "score", "tick", "hourly")
}
JOBS["mlapi.jobs.drain"] = "mlapi.jobs.process_events"
VALUES["django_q_schedule", "func"] = JOBS
VALUES["django_q_task", "func"] = JOBS

# Rows as today's models read them: model, which row, attribute, value.
ROWS_AFTER_MIGRATION: list[tuple[str, dict[str, Any], str, Any]] = [
    ("registry.Project", {"title": "The reviews"}, "served_version", "v2-8aea00"),
    ("registry.Project", {"title": "The reviews"}, "labelstudio_key", "the key of reviews"),
    ("registry.Project", {"title": "The topics"}, "setup_token", "setup token of topics"),
    ("registry.Project", {"title": "The topics"}, "promotion_rule", "never"),
    (
        "registry.Project",
        {"title": "The topics"},
        "policy",
        {
            "enabled": False,
            "first_labels": 12,
            "first_classes": 2,
            "first_per_class": 3,
            "changed_min": 10,
            "changed_share": 0.05,
            "quiet_s": 5,
            "wait_max_s": 120,
        },
    ),
    ("registry.Project", {"title": "The clusters"}, "pipeline", "image_clusters"),
    ("registry.Project", {"title": "The boxes"}, "other_hostname", "http://third.example"),
    ("registry.ModelVersion", {"pk": 1}, "label", "v1-93e37f"),
    ("registry.Target", {"version__pk": 1}, "pipeline", "text_classification"),
    (
        *("registry.ModelVersion", {"pk": 1}, "artifact_sha256"),
        "93e37f914a8a311dd9df0b532a21bd5e4f2068485717826b14cfcc80d2028709",
    ),
    ("registry.ModelVersion", {"pk": 1}, "artifact_format", 1),
    ("registry.ModelVersion", {"pk": 2}, "note", "The one that knows irony."),
    ("registry.ModelVersion", {"pk": 3}, "state", "archived"),
    ("registry.ModelVersion", {"pk": 4}, "state", "available"),
    ("registry.ModelVersion", {"pk": 12}, "primary_metric", "adjusted_rand"),
    (
        "registry.Metric",
        {"version": 12, "name": "primary"},
        "value",
        0.61,
    ),
    ("registry.Metric", {"version": 12, "name": "v_measure"}, "value", None),
    ("registry.Metric", {"version": 11, "name": "precision_at_k"}, "step", 5),
    (
        "registry.AuditEntry",
        {"verb": "note", "reason": "The one that knows irony."},
        "numbers",
        {"from": "The first that knows irony."},
    ),
    ("registry.AuditEntry", {"verb": "revoke_key"}, "actor", "admin"),
    ("registry.AuditEntry", {"verb": "fall_back"}, "to_version_id", 7),
    ("registry.Event", {"action": "SOMETHING_NEW", "payload__thing": 1}, "status", "ignored"),
    (
        "registry.TrainingRun",
        {"pk": 1},
        "parameters",
        {
            "seed": 0,
            "time_budget_s": 60,
            "options": {},
            "pipeline": "text_classification",
        },
    ),
    ("registry.TrainingRun", {"error_code": "worker_lost"}, "retry_of_id", 20),
    ("registry.Task", {"project": 1, "labelstudio_id": 5}, "ties", ["label"]),
    ("registry.Outcome", {"source": "shown"}, "predicted", "Negative"),
    ("registry.AccessKey", {"name": "one Label Studio"}, "hostname", "http://127.0.0.1:9"),
]

# What becomes of the events that waited, in their order, when today's code drains them.
EVENTS = [
    ("ANNOTATION_CREATED", "applied"),
    ("TASK_CREATED", "applied"),
    ("ANNOTATIONS_CREATED", "applied"),
    ("TASKS_CREATED", "applied"),
    ("TASK_UPDATED", "applied"),
    ("TASKS_UPDATED", "applied"),
    ("ANNOTATION_UPDATED", "applied"),
    ("ANNOTATIONS_UPDATED", "applied"),
    ("ANNOTATION_DELETED", "applied"),
    ("ANNOTATIONS_DELETED", "applied"),
    ("TASK_DELETED", "applied"),
    ("TASKS_DELETED", "applied"),
    ("PROJECT_CREATED", "applied"),
    ("PROJECT_UPDATED", "applied"),
    ("PROJECT_DELETED", "ignored"),
    ("ANNOTATION_CREATED", "failed"),
    ("SETUP", "applied"),
    ("TRAIN", "applied"),
    ("ACTION_OF_A_LATER_LABEL_STUDIO", "ignored"),
]
# What is logged with a traceback meanwhile: of the event that says nothing, and of champions whose
# artifacts are not in the store.
EXPECTED_ERRORS = {"event_not_applied", "version_does_not_load"}
# As ROWS_AFTER_MIGRATION, once all queued jobs and schedules have run.
ROWS_AFTER_JOBS: list[tuple[str, dict[str, Any], str, Any]] = [
    *(
        ("registry.Task", {"project": 1, "labelstudio_id": task}, attribute, value)
        for task, attribute, value in (
            (201, "labels", {"label": "Positive"}),
            (202, "labels", {"label": "Negative"}),
            (203, "data", {"text": "bad poor"}),
            (102, "data", {"text": "fine great"}),
            (2, "labels", {"label": "Positive"}),
            (3, "labels", {}),
            (4, "labels", {}),
            (6, "annotation_ids", []),
            (7, "data", {}),
            (8, "data", {}),
        )
    ),
    ("registry.Task", {"project": 4, "labelstudio_id": 50}, "labels", {"label": "Positive"}),
    # The champion predicted before it read the human's label.
    ("registry.Outcome", {"source": "prequential", "task__labelstudio_id": 201}, "correct", True),
    # The least sure is labelled next: a task that came while no worker was there has its score.
    # The version that its training made does not load; 4 is the newest that does.
    ("registry.TaskScore", {"task__labelstudio_id": 203}, "version_id", 4),
    # The new label config was taken in.
    (
        "registry.AuditEntry",
        {"project": 3, "verb": "config_changed", "pk__gt": 43},
        "actor",
        "labelstudio",
    ),
    # Its champion could not be loaded.
    ("registry.Project", {"title": "The broken"}, "served_version", "v1-93e37f"),
    ("registry.ModelVersion", {"pk": 9}, "state", "load_failed"),
    (
        "registry.AuditEntry",
        {"verb": "fall_back", "to_version": 7, "from_version": 9},
        "actor",
        "serving",
    ),
    # Each waiting run made a version, and the one whose worker is gone was found.
    ("registry.TrainingRun", {"trigger": "start_training", "version__number": 5}, "error", ""),
    ("registry.TrainingRun", {"trigger": "train_route", "version__number": 4}, "error", ""),
    ("registry.TrainingRun", {"project": 3, "retry_of": 21}, "error_code", "worker_lost"),
    # The credentials were read: the host that they are for was called.
    (
        "registry.Project",
        {"connection__failed": "reach", "connection__source": "project"},
        "title",
        "The reviews",
    ),
]
