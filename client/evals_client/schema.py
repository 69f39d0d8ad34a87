"""What the backend answers, and what it takes.

Made by client/generate.py from docs/openapi.yaml; not to be changed by hand.
"""

from typing import Any, Literal, NotRequired, TypedDict


class AccessKey(TypedDict):
    """An access key, without its plain text, which is not stored."""

    id: "int"
    name: "str"
    project: "int | None"
    hostname: "str"
    created_at: "str"
    last_used_at: "str | None"
    revoked_at: "str | None"


class Agreement(TypedDict):
    """How the annotators of a project agree."""

    read: "int"
    limit: "int"
    targets: "list[TargetAgreement]"


class AnnotatorAgreement(TypedDict):
    """An annotator of a target."""

    annotator: "int"
    labels: "int"
    with_others: "Proportion"
    with_champion: "Proportion"


class AuditEntry(TypedDict):
    """An audit entry: actor, verb, versions before and after, reason, numbers."""

    id: "int"
    project: "int | None"
    verb: "str"
    actor: "str"
    reason: "str"
    version: "VersionReference | None"
    from_version: "VersionReference | None"
    to_version: "VersionReference | None"
    run: "int | None"
    numbers: "Any"
    at: "str"


class AutoAccept(TypedDict):
    """The score from which predictions can be accepted unseen, and by what it is known."""

    budget: "float"
    threshold: "float | None"
    sentence: "str"
    n: "int"
    accepted: "int"
    wrong: "int"
    unlabelled: "int"
    share: "float | None"


class Card(TypedDict):
    """A version's card: metrics, classes, mistakes, comparison and lineage."""

    version: "str"
    number: "int"
    state: "str"
    note: "str"
    created_at: "str"
    project: "CardProject"
    pipeline: "str"
    recipe: "str"
    primary_metric: "str"
    targets: "list[dict[str, Any]]"
    metrics: "list[dict[str, Any]]"
    previous_champion: "str | None"
    per_class: "list[dict[str, Any]]"
    labels: "list[dict[str, Any]]"
    confusion: "list[dict[str, Any]]"
    learning_curves: "list[dict[str, Any]]"
    after_training: "dict[str, dict[str, Any]]"
    mistakes: "list[dict[str, Any]]"
    comparison: "dict[str, Any]"
    lineage: "dict[str, Any]"
    audit_entries: "list[dict[str, Any]]"


class CardProject(TypedDict):
    """The version's project."""

    id: "int"
    uid: "str"
    title: "str"


class ComparedTarget(TypedDict):
    """A target that both versions are trained for."""

    target: "str"
    kind: "str"
    n: "int"
    metrics: "list[Difference]"
    per_class: "list[Difference]"
    only_a: "int"
    only_b: "int"
    p_value: "float"
    a_right: "list[Disagreement]"
    b_right: "list[Disagreement]"


class CreatedKey(TypedDict):
    """A new access key with its plain text."""

    id: "int"
    name: "str"
    project: "int | None"
    hostname: "str"
    created_at: "str"
    last_used_at: "str | None"
    revoked_at: "str | None"
    key: "str"
    url: "str"


class Credentials(TypedDict):
    """URL and key, or neither to take them away."""

    url: "str"
    key: "str"


class Difference(TypedDict):
    """A metric of both versions on the same tasks; null: undefined."""

    name: "str"
    a: "float | None"
    b: "float | None"
    difference: "float | None"
    interval: "list[float] | None"
    is_clear: "bool"
    n: "int"


class Disagreement(TypedDict):
    """A task that only one of the versions predicts correctly."""

    target: "str"
    human: "Any"
    a: "Any"
    b: "Any"
    score_a: "float | None"
    score_b: "float | None"
    task: "TaskView"


class Error(TypedDict):
    """The form of every error."""

    error: "ErrorDetail"


class ErrorDetail(TypedDict):
    """An error's code, cause and cure."""

    code: "str"
    message: "str"
    hint: "str"
    request_id: "str"


class Event(TypedDict):
    """An event without its payload."""

    id: "int"
    project: "int | None"
    source: "EventSource"
    action: "str"
    status: "EventStatus"
    outcome: "str"
    run: "int | None"
    request_id: "str"
    received_at: "str"
    processed_at: "str | None"


class EventDetail(TypedDict):
    """An event with its payload, without secrets."""

    id: "int"
    project: "int | None"
    source: "EventSource"
    action: "str"
    status: "EventStatus"
    outcome: "str"
    run: "int | None"
    request_id: "str"
    received_at: "str"
    processed_at: "str | None"
    payload: "Any"


EventSource = Literal["setup", "webhook", "train", "predict", "refused"]

EventStatus = Literal["received", "applied", "queued_run", "ignored", "stale", "failed"]


class ExemplarTask(TypedDict):
    """A task and its score for the label."""

    score: "float"
    task: "TaskView"


FormatEnum = Literal["json", "slack", "teams"]


class Hostname(TypedDict):
    """Which host, and why."""

    hostname: "str"
    reason: "str"


class LabelExemplars(TypedDict):
    """A label with its examples, highest score first."""

    target: "str"
    label: "str"
    n: "int | None"
    by_humans: "bool"
    total: "int"
    examples: "list[ExemplarTask]"


class Metric(TypedDict):
    """A metric of a version."""

    id: "int"
    version: "int"
    target: "str"
    name: "str"
    split: "str"
    label: "str"
    step: "int"
    value: "float | None"
    n: "int"


class MetricPoint(TypedDict):
    """A metric of one version on its holdout."""

    version: "int"
    label: "str"
    number: "int"
    metric: "str"
    k: "int"
    value: "float | None"
    interval: "list[float] | None"
    n: "int"
    baseline: "float | None"
    at: "str"


class Mistake(TypedDict):
    """A wrong prediction and its score."""

    outcome: "int"
    target: "str"
    human: "Any"
    predicted: "Any"
    score: "float | None"
    task: "TaskView"


class NewKey(TypedDict):
    """The key's name and scope: one project, one Label Studio, or everything."""

    reason: "NotRequired[str]"
    name: "str"
    project: "NotRequired[int | None]"
    hostname: "NotRequired[str]"


class NewRun(TypedDict):
    """The project to train."""

    reason: "NotRequired[str]"
    project: "int"


class NewWebhook(TypedDict):
    """The webhook's name, URL, topics, format and project."""

    reason: "NotRequired[str]"
    name: "str"
    url: "str"
    topics: "list[TopicsEnum]"
    format: "NotRequired[FormatEnum]"
    project: "NotRequired[int | None]"


class NextTask(TypedDict):
    """An unlabelled task."""

    score: "float"
    margin: "float"
    at_random: "bool"
    task: "TaskView"


class Note(TypedDict):
    """The note; empty takes it away."""

    note: "str"


NullEnum = Literal[None]


class OptionalReason(TypedDict):
    """Why, or nothing."""

    reason: "NotRequired[str]"


class Outcome(TypedDict):
    """A prediction for a task, and whether it was correct."""

    id: "int"
    version: "VersionReference"
    task: "TaskReference"
    target: "str"
    source: "OutcomeSource"
    predicted: "Any"
    predicted_classes: "list[str] | None"
    score: "float | None"
    human: "Any"
    human_classes: "list[str]"
    correct: "bool"
    at: "str"


OutcomeSource = Literal["holdout", "out_of_fold", "prequential", "shown"]


class PaginatedAccessKeyList(TypedDict):
    next: "str | None"
    previous: "str | None"
    results: "list[AccessKey]"


class PaginatedAuditEntryList(TypedDict):
    next: "str | None"
    previous: "str | None"
    results: "list[AuditEntry]"


class PaginatedEventList(TypedDict):
    next: "str | None"
    previous: "str | None"
    results: "list[Event]"


class PaginatedMetricList(TypedDict):
    next: "str | None"
    previous: "str | None"
    results: "list[Metric]"


class PaginatedOutcomeList(TypedDict):
    next: "str | None"
    previous: "str | None"
    results: "list[Outcome]"


class PaginatedProjectList(TypedDict):
    next: "str | None"
    previous: "str | None"
    results: "list[Project]"


class PaginatedRunList(TypedDict):
    next: "str | None"
    previous: "str | None"
    results: "list[Run]"


class PaginatedTaskList(TypedDict):
    next: "str | None"
    previous: "str | None"
    results: "list[Task]"


class PaginatedVersionList(TypedDict):
    next: "str | None"
    previous: "str | None"
    results: "list[Version]"


class PaginatedWebhookDeliveryList(TypedDict):
    next: "str | None"
    previous: "str | None"
    results: "list[WebhookDelivery]"


class PaginatedWebhookList(TypedDict):
    next: "str | None"
    previous: "str | None"
    results: "list[Webhook]"


class PatchedProjectSettings(TypedDict):
    """The project's policy, options, promotion rule and error budget; at least one of them."""

    reason: "NotRequired[str]"
    policy: "NotRequired[dict[str, Any]]"
    options: "NotRequired[dict[str, Any]]"
    promotion_rule: "NotRequired[PromotionRuleEnum]"
    error_budget: "NotRequired[float]"


class PrequentialDay(TypedDict):
    """Predictions on one day's new labels, and on those of the seven days ending with it."""

    day: "str"
    proportion: "Proportion"
    window: "Proportion"


class Primary(TypedDict):
    """The primary metric on the version's own holdout; value null: not evaluated."""

    metric: "str"
    value: "float | None"
    interval: "list[float] | None"
    n: "int"
    few: "bool"


class Project(TypedDict):
    """A project: its champion, pipeline, policy and promotion rule."""

    id: "int"
    uid: "str"
    title: "str"
    hostname: "str"
    pipeline: "str"
    unserved_reason: "str"
    champion: "VersionReference | None"
    policy: "Any"
    options: "Any"
    promotion_rule: "PromotionRuleEnum"
    error_budget: "float"
    connected: "bool | None"
    connection_checked_at: "str | None"
    reading: "ReadSoFar | None"
    synced_at: "str | None"
    labels_changed_at: "str | None"
    created_at: "str"
    updated_at: "str"
    archived_at: "str | None"
    page: "str"


class ProjectDetail(TypedDict):
    """A project with its label config and the last check of its connection."""

    id: "int"
    uid: "str"
    title: "str"
    hostname: "str"
    pipeline: "str"
    unserved_reason: "str"
    champion: "VersionReference | None"
    policy: "Any"
    options: "Any"
    promotion_rule: "PromotionRuleEnum"
    error_budget: "float"
    connected: "bool | None"
    connection_checked_at: "str | None"
    reading: "ReadSoFar | None"
    synced_at: "str | None"
    labels_changed_at: "str | None"
    created_at: "str"
    updated_at: "str"
    archived_at: "str | None"
    page: "str"
    label_config: "str"
    fingerprint: "str"
    unserved_controls: "list[UnservedControl]"
    extra_params: "Any"
    connection: "Any"
    has_own_credentials: "bool"
    labelstudio_url: "str"
    other_hostname: "str"
    hostname_confirmed: "bool"
    backend_url: "str"
    threshold_reached_at: "str | None"
    offered_renames: "list[str]"
    label_renames: "list[str]"


PromotionRuleEnum = Literal["if_at_least_as_good", "if_clearly_better", "always", "never"]


class Proportion(TypedDict):
    """Correct predictions out of n; the share is null below n = 20."""

    n: "int"
    correct: "int"
    share: "float | None"
    interval: "list[float] | None"


class ReadSoFar(TypedDict):
    """How far a first reading of Label Studio is, in tasks."""

    read: "int"
    of: "int"


class Reason(TypedDict):
    """Why."""

    reason: "str"


class RecordedMetric(TypedDict):
    """A metric as each version's run recorded it, on that run's holdout."""

    target: "str"
    name: "str"
    metric: "str"
    k: "int"
    a: "float | None"
    n_a: "int"
    b: "float | None"
    n_b: "int"


class RenameLabel(TypedDict):
    """The rename as it is offered, such as `sentiment: good -> great`, and why."""

    rename: "str"
    reason: "NotRequired[str]"


class RollBack(TypedDict):
    """Why, and to which version if not to the champion before."""

    reason: "str"
    to: "NotRequired[int | None]"


class Run(TypedDict):
    """A run and its progress, without its long columns."""

    id: "int"
    project: "int"
    kind: "RunKind"
    state: "RunState"
    trigger: "TriggerEnum"
    actor: "str"
    retry_of: "int | None"
    version: "VersionReference | None"
    same_as: "VersionReference | None"
    phase: "str"
    progress: "float"
    worker: "str"
    heartbeat_at: "str | None"
    cancel_requested: "bool"
    has_follow_up: "bool"
    error: "RunError | None"
    created_at: "str"
    started_at: "str | None"
    ended_at: "str | None"


class RunDetail(TypedDict):
    """A run with its dataset, statements, log and comparison."""

    id: "int"
    project: "int"
    kind: "RunKind"
    state: "RunState"
    trigger: "TriggerEnum"
    actor: "str"
    retry_of: "int | None"
    version: "VersionReference | None"
    same_as: "VersionReference | None"
    phase: "str"
    progress: "float"
    worker: "str"
    heartbeat_at: "str | None"
    cancel_requested: "bool"
    has_follow_up: "bool"
    error: "RunError | None"
    created_at: "str"
    started_at: "str | None"
    ended_at: "str | None"
    dataset_fingerprint: "str"
    snapshot_at: "str | None"
    parameters: "Any"
    dataset_counts: "Any"
    candidates: "Any"
    statements: "Any"
    phases: "Any"
    log: "str"
    comparison: "Any"


class RunError(TypedDict):
    """Why a run failed, and the cure."""

    code: "str"
    message: "str"
    hint: "str"


RunKind = Literal["training", "challenger"]

RunState = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class SimilarTask(TypedDict):
    """A similar task."""

    cosine: "float"
    task: "TaskView"


SplitEnum = Literal["train", "holdout"]


class SuspectLabel(TypedDict):
    """A label beside the prediction that contradicts it."""

    target: "str"
    human: "Any"
    predicted: "Any"
    human_classes: "list[str]"
    predicted_classes: "list[str]"
    score: "float"
    threshold: "float"
    version: "str"
    source: "OutcomeSource"
    task: "TaskView"


class SuspectLabels(TypedDict):
    """Labels that look wrong."""

    count: "int"
    labels: "list[SuspectLabel]"
    changed: "Proportion"
    why_none: "str"
    left_out: "list[str]"


class Tags(TypedDict):
    """The tags; empty takes all away."""

    tags: "str"


class Target(TypedDict):
    """A control tag, and whether the version predicts it."""

    name: "str"
    object_name: "str"
    object_tag: "str"
    field: "str"
    kind: "str"
    pipeline: "str"
    labels: "list[str]"
    trained: "bool"
    untrained_reason: "str"
    decision: "str"


class TargetAgreement(TypedDict):
    """The annotators of a target."""

    target: "str"
    tasks: "int"
    pairs: "Proportion"
    alpha: "float | None"
    annotators: "list[AnnotatorAgreement]"


class Task(TypedDict):
    """A task and the labels derived from its annotations."""

    id: "int"
    labelstudio_id: "int"
    project: "int"
    labels: "dict[str, Any]"
    ties: "list[str]"
    split: "SplitEnum | NullEnum | None"
    total_annotations: "int"
    labels_changed_at: "str | None"
    source_updated_at: "str | None"
    created_at: "str"
    deleted_at: "str | None"


class TaskDetail(TypedDict):
    """A task with its content."""

    id: "int"
    labelstudio_id: "int"
    project: "int"
    labels: "dict[str, Any]"
    ties: "list[str]"
    split: "SplitEnum | NullEnum | None"
    total_annotations: "int"
    labels_changed_at: "str | None"
    source_updated_at: "str | None"
    created_at: "str"
    deleted_at: "str | None"
    content: "TaskView"


class TaskReference(TypedDict):
    """A task of the mirror, and its id in Label Studio."""

    id: "int"
    labelstudio_id: "int"


class TaskView(TypedDict):
    """A task for display."""

    id: "int"
    labelstudio_id: "int"
    kind: "str"
    text: "str"
    url: "str | None"
    deleted: "bool"
    thumbnail: "str | None"


TopicEnum = Literal[
    "run_failed",
    "version_promoted",
    "fell_back",
    "metric_dropped",
    "connection_lost",
    "worker_silent",
    "test",
]

TopicsEnum = Literal[
    "run_failed",
    "version_promoted",
    "fell_back",
    "metric_dropped",
    "connection_lost",
    "worker_silent",
]

TriggerEnum = Literal[
    "start_training",
    "policy",
    "config",
    "train_route",
    "admin",
    "command",
    "api",
    "retry",
    "format",
    "challenger",
    "pretrained",
]


class UndoRename(TypedDict):
    """The confirmed rename, such as `sentiment: good -> great`, and why."""

    rename: "str"
    reason: "NotRequired[str]"


class UnservedControl(TypedDict):
    """A control of the label config that no pipeline fills."""

    control: "str"
    code: "str"
    message: "str"


class Version(TypedDict):
    """A version, its state and its primary metric."""

    id: "int"
    project: "int"
    number: "int"
    label: "str"
    state: "VersionState"
    primary: "Primary"
    run: "int | None"
    pipeline: "str"
    recipe: "str"
    fingerprint: "str"
    extractor: "str"
    artifact_bytes: "int"
    artifact_sha256: "str"
    note: "str"
    tags: "list[str]"
    created_at: "str"
    archived_at: "str | None"
    load_failed_at: "str | None"
    load_error: "str"


class VersionComparison(TypedDict):
    """Version b against version a; each difference is b - a."""

    a: "VersionReference"
    b: "VersionReference"
    n: "int"
    summary: "str"
    primary: "Difference"
    targets: "list[ComparedTarget]"
    recorded: "list[RecordedMetric]"


class VersionDetail(TypedDict):
    """A version with its targets, and the packages that it was trained with."""

    id: "int"
    project: "int"
    number: "int"
    label: "str"
    state: "VersionState"
    primary: "Primary"
    run: "int | None"
    pipeline: "str"
    recipe: "str"
    fingerprint: "str"
    extractor: "str"
    artifact_bytes: "int"
    artifact_sha256: "str"
    note: "str"
    tags: "list[str]"
    created_at: "str"
    archived_at: "str | None"
    load_failed_at: "str | None"
    load_error: "str"
    targets: "list[Target]"
    environment: "Any"
    read_so_far: "ReadSoFar | None"


class VersionReference(TypedDict):
    """A version."""

    id: "int"
    label: "str"


VersionState = Literal["champion", "available", "archived", "load_failed"]


class Webhook(TypedDict):
    """A webhook, without its URL and secret, which are not shown again."""

    id: "int"
    name: "str"
    host: "str"
    format: "FormatEnum"
    topics: "list[TopicsEnum]"
    project: "int | None"
    created_at: "str"
    disabled_at: "str | None"
    previous_until: "str | None"


class WebhookDelivery(TypedDict):
    """A delivery: its message, and each attempt to send it."""

    id: "int"
    uid: "str"
    webhook: "int"
    topic: "TopicEnum"
    project: "int | None"
    state: "WebhookDeliveryStateEnum"
    message: "Any"
    attempts: "Any"
    attempted: "int"
    due_at: "str"
    created_at: "str"
    ended_at: "str | None"


WebhookDeliveryStateEnum = Literal["pending", "delivered", "failed"]


class WebhookWithSecret(TypedDict):
    """A webhook with its new secret."""

    id: "int"
    name: "str"
    host: "str"
    format: "FormatEnum"
    topics: "list[TopicsEnum]"
    project: "int | None"
    created_at: "str"
    disabled_at: "str | None"
    previous_until: "str | None"
    secret: "str"
