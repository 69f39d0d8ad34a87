-- The rows of `manage.py seed_load`, made up from hashes, so that every load is the same.
--
-- %(projects)s projects with %(tasks)s tasks, %(versions)s versions and about %(events)s events
-- each; 50 metrics and %(outcomes)s outcomes a version. As in real registries the rows are not
-- spread evenly: a champion is evaluated on every task, and a few projects have most events.

-- step: projects
-- A number in 0..below-1 that looks random and is always the same for `given`.
CREATE FUNCTION pg_temp.some(given bigint, below int) RETURNS int LANGUAGE sql IMMUTABLE AS
$$ SELECT (hashint8(given) & 2147483647) %% below $$;
CREATE FUNCTION pg_temp.ago(days numeric) RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT now() - days * interval '1 day' $$;

INSERT INTO registry_project (uid, title, label_config, fingerprint, pipeline, unserved_reason,
    control_since, hostname, other_hostname, hostname_confirmed, backend_url, setup_token, knows_password,
    labelstudio_url, labelstudio_key, connection, connection_checked_at, options, policy,
    promotion_rule, error_budget, synced_at, reading, unreadable_tasks, data_outdated, label_changes, label_renames,
    labels_changed_at, created_at, updated_at)
SELECT i || '.1700000000', 'Project ' || i, '<View><Text name="text" value="$text"/>'
    || '<Choices name="label" toName="text">'
    || (SELECT string_agg('<Choice value="Class ' || c || '"/>', '') FROM generate_series(0, 9) c)
    || '</Choices></View>', md5('config'), 'text_classification', '',
    '{}', 'http://localhost:' || 8080 + i %% 3, '', false, 'http://localhost:9090', '', false,
    '', '', CASE i %% 10 WHEN 0 THEN '{}'
        WHEN 1 THEN '{"ok": false, "failed": "token", "steps": [{"step": "token", "ok": false,
            "detail": "401", "cure": "Set a token."}]}'
        ELSE '{"ok": true, "failed": null, "steps": [{"step": "reach", "ok": true}]}' END::jsonb,
    now(), '{}', '{"enabled": true, "first_labels": 20, "first_classes": 2,
        "first_per_class": 3, "changed_min": 10, "changed_share": 0.05, "quiet_s": 5,
        "wait_max_s": 120}', 'if_at_least_as_good', 0.05, now(), '{}', '{}', false, '{}', '[]', now(),
    pg_temp.ago(100 + i), now()
FROM generate_series(1, %(projects)s) i;

-- step: tasks
INSERT INTO registry_task (project_id, labelstudio_id, data, annotations, annotation_ids,
    total_annotations, labels, classes, ties, labels_changed_at, input_key, split, labelled_controls, created_at)
SELECT p.id, i, jsonb_build_object('text', 'What someone wrote in text ' || i || ' of ' || p.title),
    '[]', CASE WHEN labelled THEN ARRAY[p.id * 100000 + i] ELSE '{}' END, labelled::int,
    CASE WHEN labelled THEN jsonb_build_object('label', 'Class ' || pg_temp.some(i, 10))
        ELSE '{}' END,
    CASE WHEN labelled THEN ARRAY['label=Class ' || pg_temp.some(i, 10)] ELSE '{}' END, '{}',
    CASE WHEN labelled THEN pg_temp.ago(60 - i * 0.05) END, md5(p.id || ' ' || i),
    CASE WHEN NOT labelled THEN NULL WHEN i %% 5 = 0 THEN 'holdout' ELSE 'train' END,
    CASE WHEN labelled THEN ARRAY['label'] ELSE '{}' END, pg_temp.ago(100)
FROM registry_project p CROSS JOIN generate_series(1, %(tasks)s) i,
    LATERAL (SELECT i %% 10 < 7 AS labelled) l;

-- step: runs
-- One in eleven failed, and the last one of every twentieth project.
INSERT INTO registry_trainingrun (project_id, kind, state, trigger, actor, parameters,
    dataset_fingerprint, dataset_counts, dataset_file, snapshot_at, candidates, statements, phases,
    phase, progress, log, comparison, worker, heartbeat_at, cancel_requested, error_code, error,
    hint, created_at, started_at, ended_at)
SELECT p.id, 'training', CASE WHEN failed THEN 'failed' ELSE 'succeeded' END, 'policy', '', '{"seed": 0}',
    md5(p.id || ' ' || i), '{"tasks": 700, "train": 560, "holdout": 140, "ties": 0}', '',
    at, '[{"target": "label", "name": "words", "score": 0.8, "seconds": 1.5, "won": true},
        {"target": "label", "name": "automl", "score": 0.7, "seconds": 20, "won": false}]',
    '[{"statement": "SELECT id, text FROM train", "seconds": 0.1, "rows": 560}]', '[]',
    'done', 1, repeat('A line of the log of a training run.' || chr(10), 50),
    '{"candidate": 0.8, "champion": 0.79, "n": 140}', 'worker@seeded', at, false,
    CASE WHEN failed THEN 'out_of_memory' ELSE '' END,
    CASE WHEN failed THEN 'It used more memory than it may.' ELSE '' END, '', at, at,
    at + interval '40 seconds'
FROM registry_project p CROSS JOIN generate_series(1, %(versions)s * 11 / 10 + 1) i,
    LATERAL (SELECT pg_temp.ago(90 - i * 90.0 / (%(versions)s * 11 / 10 + 1)) AS at,
        i %% 11 = 0 OR i > %(versions)s * 11 / 10 AS failed) r
WHERE i <= %(versions)s * 11 / 10 OR p.id %% 20 = 0
ORDER BY i, p.id;

-- step: versions
INSERT INTO registry_modelversion (project_id, number, label, run_id, pipeline, recipe,
    fingerprint, artifact, artifact_bytes, artifact_sha256, artifact_format, environment, extractor,
    primary_metric, primary_value, primary_n, primary_baseline, note, tags, created_at, archived_at,
    load_error)
SELECT project_id, number, 'v' || number || '-' || left(sha, 6), id, 'text_classification',
    'words', md5('config'), 'project-' || project_id || '/v' || number, 1000000 + number,
    sha || md5(sha), 2, '{"python": "3.11"}', '', 'macro_f1',
    0.5 + number / 300.0 + pg_temp.some(id, 100) / 1000.0, 140, 0.5, '', '{}', ended_at,
    CASE WHEN number %% 15 = 1 THEN now() END, ''
FROM (SELECT *, row_number() OVER (PARTITION BY project_id ORDER BY id) AS number,
    md5('artifact ' || id) AS sha FROM registry_trainingrun WHERE state = 'succeeded') r
ORDER BY id;

-- step: champions
UPDATE registry_project p SET champion_id = v.id FROM registry_modelversion v
WHERE v.project_id = p.id AND v.number = %(versions)s;

-- step: targets
INSERT INTO registry_target (version_id, name, object_name, object_tag, field, kind, labels,
    trained, untrained_reason, decision, pipeline)
SELECT id, 'label', 'text', 'Text', 'text', 'choice',
    (SELECT jsonb_agg('Class ' || i) FROM generate_series(0, 9) i), true, '', '', pipeline
FROM registry_modelversion ORDER BY id;

-- step: metrics
-- 10 of the whole, 3 of each of 10 classes, 10 points of the learning curve.
INSERT INTO registry_metric (version_id, target, name, split, label, step, value, n)
SELECT v.id, CASE m.name WHEN 'primary' THEN '' ELSE 'label' END, m.name, 'holdout', m.label,
    m.step, CASE m.name WHEN 'primary' THEN v.primary_value
        WHEN 'baseline_macro_f1' THEN v.primary_baseline ELSE 0.5 + v.number / 300.0
            + pg_temp.some(v.id * 100 + m.step + length(m.name), 100) / 1000.0 END,
    m.n
FROM registry_modelversion v CROSS JOIN (
    SELECT name, '' AS label, 0 AS step, 140 AS n FROM unnest(ARRAY['primary', 'macro_f1',
        'accuracy', 'baseline_macro_f1', 'baseline_accuracy', 'log_loss', 'ece',
        'ece_calibrated', 'weighted_f1', 'top_2_accuracy']) name
    UNION ALL SELECT name, 'Class ' || i, 0, 14 FROM unnest(ARRAY['precision', 'recall', 'f1'])
        name CROSS JOIN generate_series(0, 9) i
    UNION ALL SELECT 'learning_curve', '', i * 56, 140 FROM generate_series(1, 10) i) m
ORDER BY v.id;

-- step: outcomes
-- Of a champion: every task of its holdout, and every task again as asked before its human.
WITH answered AS MATERIALIZED (
    SELECT v.id, v.created_at, v.project_id, k, (1 + (v.number * 13 + k) %% %(tasks)s)::bigint
        AS place
    FROM registry_modelversion v JOIN registry_project p ON p.id = v.project_id
    CROSS JOIN LATERAL generate_series(1, CASE WHEN p.champion_id = v.id THEN 2 * %(tasks)s
        ELSE %(outcomes)s END) k
)
INSERT INTO registry_outcome (version_id, task_id, target, source, predicted, score, human,
    correct, human_classes, predicted_classes, at)
SELECT v.id, t.id, 'label', CASE WHEN k > %(tasks)s THEN 'prequential' ELSE 'holdout' END,
    to_jsonb('Class ' || said), 0.3 + pg_temp.some(v.id * 7 + k, 700) / 1000.0,
    to_jsonb('Class ' || human), said = human, ARRAY['Class ' || human], ARRAY['Class ' || said],
    v.created_at + (k %% 60) * interval '1 minute'
FROM answered v
JOIN registry_task t ON t.project_id = v.project_id AND t.labelstudio_id = v.place,
LATERAL (SELECT pg_temp.some(t.id, 10) AS human) h,
LATERAL (SELECT CASE WHEN pg_temp.some(v.id * 31 + k, 5) = 0 THEN pg_temp.some(k, 10)
    ELSE human END AS said) s
ORDER BY v.id, k;

-- step: exemplars
INSERT INTO registry_exemplar (version_id, task_id, target, label, score)
SELECT p.champion_id, t.id, 'label', t.labels ->> 'label', pg_temp.some(t.id * 5, 1000) / 1000.0
FROM registry_project p JOIN registry_task t ON t.project_id = p.id AND t.labels <> '{}'
ORDER BY p.id, t.id;

-- step: scores of unlabelled tasks
INSERT INTO registry_taskscore (version_id, task_id, score, margin, place)
SELECT p.champion_id, t.id, 0.1 + pg_temp.some(t.id * 3, 900) / 1000.0,
    pg_temp.some(t.id * 3, 900) / 1000.0, pg_temp.some(t.id * 3, 900) / 1000.0
FROM registry_project p JOIN registry_task t ON t.project_id = p.id AND t.annotation_ids = '{}'
ORDER BY p.id, t.id;

-- step: events
-- A project's share of them falls with its place.
INSERT INTO registry_event (project_id, source, action, payload, status, outcome, request_id,
    received_at, processed_at)
SELECT p.id, 'webhook', CASE i %% 3 WHEN 0 THEN 'ANNOTATION_CREATED'
        WHEN 1 THEN 'ANNOTATION_UPDATED' ELSE 'TASKS_CREATED' END,
    jsonb_build_object('action', 'ANNOTATION_CREATED', 'annotation', jsonb_build_object('id', i)),
    CASE WHEN i %% 1000 = 0 THEN 'failed' WHEN i %% 10 = 0 THEN 'ignored' ELSE 'applied' END,
    'Took in the annotations of 1 task.', md5('request ' || i), at, at
FROM generate_series(1, %(projects)s * %(events)s) i
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM registry_project) p
    ON p.place = floor(%(projects)s * power(pg_temp.some(i, 1000) / 1000.0, 2)),
LATERAL (SELECT pg_temp.ago(90 - 90.0 * i / (%(projects)s * %(events)s)) AS at) a
ORDER BY i;

-- step: audit entries
INSERT INTO registry_auditentry (project_id, verb, actor, reason, version_id, from_version_id,
    to_version_id, run_id, numbers, at)
SELECT project_id, CASE WHEN number %% 2 = 0 THEN 'promote' ELSE 'keep' END, 'policy',
    'On the holdout it is at least as good as the champion.', id,
    lag(id) OVER w, CASE WHEN number %% 2 = 0 THEN id ELSE lag(id) OVER w END, run_id,
    '{"candidate": 0.8, "champion": 0.79, "n": 140, "clause": "as_good"}', created_at
FROM registry_modelversion WINDOW w AS (PARTITION BY project_id ORDER BY number)
ORDER BY id;

-- step: access keys
INSERT INTO registry_accesskey (name, digest, project_id, hostname, created_at)
SELECT 'key of ' || title, md5(uid) || md5(title), id, '', now() FROM registry_project;
