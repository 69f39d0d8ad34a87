"""SQL that the database refuses or allows, with today's names. A rename edits this."""

# (what it is called, SQL, part of the error).
REFUSED: list[tuple[str, str, str]] = [
    (
        "change an audit entry",
        "UPDATE registry_auditentry SET reason = 'x' WHERE id = 1",
        "append-only",
    ),
    (
        "change an audit entry's time",
        "UPDATE registry_auditentry SET at = now() WHERE id = 1",
        "append-only",
    ),
    ("delete an audit entry", "DELETE FROM registry_auditentry WHERE id = 1", "append-only"),
    ("delete a version", "DELETE FROM registry_modelversion WHERE id = 5", "append-only"),
    *(
        (
            f"change a version's {column}",
            f"UPDATE registry_modelversion SET {column} = {value} WHERE id = 5",
            "immutable",
        )
        for column, value in {
            "project_id": "9",
            "number": "number + 100",
            "label": "'v9-000000'",
            "run_id": "22",
            "pipeline": "'another'",
            "recipe": "'another'",
            "fingerprint": "'another'",
            "artifact": "'another'",
            "artifact_bytes": "artifact_bytes + 1",
            "artifact_sha256": "'another'",
            "artifact_format": "artifact_format + 1",
            "environment": """'{"python": "4"}'""",
            "created_at": "now()",
            "extractor": "'another'",
            "primary_metric": "'another'",
        }.items()
    ),
    (
        "change a converted artifact",
        "UPDATE registry_convertedartifact SET sha256 = 'another'",
        "append-only",
    ),
    ("delete a converted artifact", "DELETE FROM registry_convertedartifact", "append-only"),
    *(
        (
            f"move a run from {state} to {other}",
            f"UPDATE registry_trainingrun SET state = '{other}'"
            f" WHERE id = (SELECT min(id) FROM registry_trainingrun WHERE state = '{state}')",
            "cannot go",
        )
        for state, others in {
            "queued": ("succeeded", "failed"),
            "running": ("queued",),
            "succeeded": ("queued", "running", "failed", "cancelled"),
            "failed": ("queued", "running", "succeeded", "cancelled"),
            "cancelled": ("queued", "running", "succeeded", "failed"),
        }.items()
        for other in others
    ),
    (
        "have two active runs of a project",
        "UPDATE registry_trainingrun SET project_id = 1 WHERE state = 'running'",
        "run_one_active_per_kind",
    ),
    (
        "delete a project that audit entries speak of",
        "DELETE FROM registry_project WHERE id = 1; SET CONSTRAINTS ALL IMMEDIATE",
        "violates foreign key constraint",
    ),
    (
        "delete a run that made a version",
        "DELETE FROM registry_trainingrun WHERE id = 1; SET CONSTRAINTS ALL IMMEDIATE",
        "violates foreign key constraint",
    ),
    (
        "have a task twice",
        "UPDATE registry_task SET labelstudio_id = 2 WHERE project_id = 1 AND labelstudio_id = 1",
        "task_unique_while_it_exists",
    ),
    (
        "have a labelled task without a split",
        "UPDATE registry_task SET split = NULL WHERE project_id = 1 AND labelstudio_id = 1",
        "task_with_a_label_has_a_split",
    ),
    # The whole row once more, with an id of its own.
    *(
        (
            f"have {thing} twice",
            f"INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object('id', 9999)"
            f"{more})).* FROM {table} t ORDER BY id LIMIT 1",
            constraint,
        )
        for thing, table, constraint, more in (
            ("a uid", "registry_project", "uid", ""),
            ("a key's digest", "registry_accesskey", "digest", ""),
            ("a worker", "registry_worker", "worker_once", ""),
            (
                *("a version's number", "registry_modelversion", "version_number_per_project"),
                """ || '{"run_id": null}'""",
            ),
            ("a run's version", "registry_modelversion", "run_id", """ || '{"number": 99}'"""),
            ("a converted artifact", "registry_convertedartifact", "version_id", ""),
            ("a target", "registry_target", "target_name_per_version", ""),
            ("a metric", "registry_metric", "metric_once", ""),
            ("an outcome", "registry_outcome", "outcome_once", ""),
            ("an exemplar", "registry_exemplar", "exemplar_once", ""),
            ("a feature", "registry_feature", "feature_once", ""),
            ("a score", "registry_taskscore", "task_score_once", ""),
        )
    ),
]

# (what it is called, SQL that changes at least one row).
ALLOWED: list[tuple[str, str]] = [
    (
        "append an audit entry",
        "INSERT INTO registry_auditentry SELECT (jsonb_populate_record(t, '{\"id\": 9999}')).*"
        " FROM registry_auditentry t WHERE id = 1",
    ),
    *(
        (
            f"change a version's {column}",
            f"UPDATE registry_modelversion SET {column} = {value} WHERE id = 5",
        )
        for column, value in {
            "note": "'another'",
            "tags": "'{another}'",
            "archived_at": "now()",
            "load_failed_at": "now()",
            "load_error": "'another'",
        }.items()
    ),
    (
        "take a version out of the archive",
        "UPDATE registry_modelversion SET archived_at = NULL WHERE id = 3",
    ),
    *(
        (
            f"move a run from {state} to {other}",
            f"UPDATE registry_trainingrun SET state = '{other}'"
            f" WHERE id = (SELECT min(id) FROM registry_trainingrun WHERE state = '{state}')",
        )
        for state, others in {
            "queued": ("running", "cancelled"),
            "running": ("succeeded", "failed", "cancelled"),
        }.items()
        for other in others
    ),
    (
        "write the log of a run that has ended",
        "UPDATE registry_trainingrun SET log = 'x' WHERE state = 'succeeded'",
    ),
    (
        "have one active run beside ended ones",
        "INSERT INTO registry_trainingrun SELECT (jsonb_populate_record(t, jsonb_build_object("
        "'id', 9999, 'state', 'queued', 'project_id', 5))).* FROM registry_trainingrun t"
        " WHERE id = 1",
    ),
    ("move the champion", "UPDATE registry_project SET champion_id = 1 WHERE id = 1"),
    (
        "add a metric to a version",
        "INSERT INTO registry_metric SELECT (jsonb_populate_record(t, jsonb_build_object("
        "'id', 9999, 'step', 99))).* FROM registry_metric t WHERE id = 1",
    ),
    (
        "use the id of a deleted task again",
        "INSERT INTO registry_task SELECT (jsonb_populate_record(t, jsonb_build_object("
        "'id', 9999, 'deleted_at', NULL))).* FROM registry_task t WHERE deleted_at IS NOT NULL",
    ),
    (
        "say what became of an event",
        "UPDATE registry_event SET status = 'applied', outcome = 'x' WHERE status = 'received'",
    ),
    ("revoke a key", "UPDATE registry_accesskey SET revoked_at = now() WHERE id = 1"),
    ("delete what could not be predicted", "DELETE FROM registry_event WHERE source = 'predict'"),
]
