"""The serializers of /api/projects/: a project without its secrets, its requests and reports."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from registry.actions import label_renames
from registry.engine import engine
from registry.metrics import METRICS, NO_ROW
from registry.models import Metric, Outcome, Project, Task
from registry.models.project import PromotionRule

from .serializers import (
    Body,
    IntervalField,
    OptionalReason,
    ReadSoFar,
    TaskViewSerializer,
    VersionReference,
)

MAX_DAYS = 366


class ProjectSettings(OptionalReason):  # type: ignore[misc, valid-type]
    """The project's policy, options, promotion rule and error budget; at least one of them."""

    policy = serializers.DictField(
        required=False, help_text="When to train. The project lists all settings."
    )
    options = serializers.DictField(
        required=False,
        help_text="Options of the project's pipelines; under `controls` by name those of controls.",
    )
    promotion_rule = serializers.ChoiceField(required=False, choices=PromotionRule.choices)
    error_budget = serializers.FloatField(
        required=False, help_text="The share of wrong predictions that may be accepted unseen."
    )


class MetricQuery(Body):
    """The name and target of the metric."""

    name = serializers.CharField(
        max_length=64, default="primary", help_text="Such as macro_f1, accuracy, log_loss."
    )
    target = serializers.CharField(
        max_length=255,
        required=False,
        allow_blank=True,
        default="",
        help_text="Omitted: the whole version, else the mean over its targets.",
    )

    def validate_name(self, name: str) -> str:
        """A listed metric, or one that a label type or pipeline has recorded for the project."""
        recorded = Metric.objects.filter(version__project=self.context["project"], name=name)
        if name not in METRICS and name not in NO_ROW and not recorded.exists():
            known = ", ".join(sorted(METRICS))
            raise serializers.ValidationError(f"There is no metric {name!r}. Known: {known}.")
        return name


class PrequentialQuery(Body):
    """The number of days."""

    days = serializers.IntegerField(min_value=1, max_value=MAX_DAYS, default=90)


class SimilarQuery(Body):
    """The task to compare with, and how many similar ones."""

    k = serializers.IntegerField(min_value=1, max_value=100, default=10)

    def get_fields(self) -> dict[str, serializers.Field]:
        """The fields, with the task restricted to the project's."""
        project = self.context.get("project")
        own = Task.objects.filter(project=project).defer("annotations")
        return {"task": serializers.PrimaryKeyRelatedField(queryset=own), **super().get_fields()}


class LabelNextQuery(Body):
    """Limit and offset."""

    limit = serializers.IntegerField(min_value=1, max_value=500, default=20)
    offset = serializers.IntegerField(min_value=0, max_value=100_000, default=0)


class AutoAcceptQuery(Body):
    """The error budget."""

    budget = serializers.FloatField(
        required=False,
        min_value=0.001,
        max_value=0.999,
        help_text="The share that may be wrong. Omitted: that of the project.",
    )


class AutoAcceptSerializer(serializers.Serializer):
    """The score from which predictions can be accepted unseen, and by what it is known."""

    budget = serializers.FloatField()
    threshold = serializers.FloatField(
        allow_null=True, help_text="Null: of no score it is known that so few are wrong."
    )
    sentence = serializers.CharField(help_text="The result in words.")
    n = serializers.IntegerField(help_text="Tasks with human labels that it was chosen on.")
    accepted = serializers.IntegerField(help_text="Those of them with this score or a higher one.")
    wrong = serializers.IntegerField(help_text="The wrong ones among the accepted.")
    unlabelled = serializers.IntegerField(help_text="Unlabelled tasks with a score.")
    share = serializers.FloatField(
        allow_null=True, help_text="The share of these that would be accepted."
    )


class SuspectLabelsQuery(LabelNextQuery):
    """Target, limit and offset."""

    target = serializers.CharField(
        max_length=255, required=False, help_text="Omitted: of all targets."
    )


class UnservedControl(serializers.Serializer):
    """A control of the label config that no pipeline fills."""

    control = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()


class ProjectSerializer(serializers.ModelSerializer):
    """A project: its champion, pipeline, policy and promotion rule."""

    champion = VersionReference(allow_null=True)
    policy = serializers.JSONField()
    options = serializers.JSONField()
    connected = serializers.SerializerMethodField(
        help_text="Whether Label Studio answered the last check; null: not checked yet."
    )
    page = serializers.CharField(
        help_text="Its address in Label Studio; empty where that is unknown."
    )
    reading = serializers.SerializerMethodField(
        help_text="How many of how many tasks are mirrored while Label Studio is read for the "
        "first time: all counts are of these. Null once all are."
    )

    class Meta:
        model = Project
        fields = [
            *("id", "uid", "title", "hostname", "pipeline", "unserved_reason", "champion"),
            *("policy", "options", "promotion_rule", "error_budget"),
            *("connected", "connection_checked_at"),
            *("reading", "synced_at", "labels_changed_at", "created_at", "updated_at"),
            *("archived_at", "page"),
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.BooleanField(allow_null=True))
    def get_connected(self, project: Project) -> bool | None:
        return bool(project.connection.get("ok")) if project.connection else None

    @extend_schema_field(ReadSoFar(allow_null=True))
    def get_reading(self, project: Project) -> dict[str, int] | None:
        so_far = project.read_so_far
        return {"read": so_far[0], "of": so_far[1]} if so_far else None


class ProjectDetailSerializer(ProjectSerializer):
    """A project with its label config and the last check of its connection."""

    connection = serializers.JSONField(help_text="The last check, step by step.")
    extra_params = serializers.JSONField(allow_null=True)
    has_own_credentials = serializers.SerializerMethodField()
    unserved_controls = serializers.SerializerMethodField(
        help_text="The controls that no pipeline fills, each with the reason."
    )
    offered_renames = serializers.SerializerMethodField(
        help_text="Labels that the label config may have renamed, as `rename-label` takes them."
    )
    label_renames = serializers.SerializerMethodField(
        help_text="The confirmed renames, the last first, as `undo-rename` takes them."
    )

    class Meta(ProjectSerializer.Meta):
        fields = [
            *ProjectSerializer.Meta.fields,
            *("label_config", "fingerprint", "unserved_controls"),
            *("extra_params", "connection", "has_own_credentials"),
            *("labelstudio_url", "other_hostname", "hostname_confirmed", "backend_url"),
            *("threshold_reached_at", "offered_renames", "label_renames"),
        ]
        read_only_fields = fields

    @extend_schema_field(UnservedControl(many=True))
    def get_unserved_controls(self, project: Project) -> list[dict[str, str]]:
        return engine().unserved_controls(project)

    def get_offered_renames(self, project: Project) -> list[str]:
        return [rename.text for rename in label_renames.offers(project)]

    def get_label_renames(self, project: Project) -> list[str]:
        return [rename.text for rename in label_renames.confirmed(project)]

    def get_has_own_credentials(self, project: Project) -> bool:
        return bool(project.labelstudio_key)


class MetricPointSerializer(serializers.Serializer):
    """A metric of one version on its holdout."""

    version = serializers.IntegerField()
    label = serializers.CharField()  # type: ignore[assignment]
    number = serializers.IntegerField()
    metric = serializers.CharField(
        help_text="The metric's name; for `primary` that of the metric that it is the mean of."
    )
    k = serializers.IntegerField(help_text="The k of precision at k, else 0.")
    value = serializers.FloatField(allow_null=True, help_text="Null: undefined on this data.")
    interval = IntervalField(
        allow_null=True, help_text="The 95 % interval of `primary`; null of other metrics."
    )
    n = serializers.IntegerField()
    baseline = serializers.FloatField(allow_null=True)
    at = serializers.DateTimeField()


class ProportionSerializer(serializers.Serializer):
    """Correct predictions out of n; the share is null below n = 20."""

    n = serializers.IntegerField()
    correct = serializers.IntegerField()
    share = serializers.FloatField(allow_null=True)
    interval = IntervalField(allow_null=True)


class PrequentialDaySerializer(serializers.Serializer):
    """Predictions on one day's new labels, and on those of the seven days ending with it."""

    day = serializers.DateField()
    proportion = ProportionSerializer()
    window = ProportionSerializer()


class NextTaskSerializer(serializers.Serializer):
    """An unlabelled task."""

    score = serializers.FloatField(help_text="The champion's score, 0 to 1.")
    margin = serializers.FloatField(
        help_text="How far the champion's answer is ahead of the next best, 0 to 1."
    )
    at_random = serializers.BooleanField(help_text="Drawn at random, whatever its margin.")
    task = TaskViewSerializer()


class SimilarTaskSerializer(serializers.Serializer):
    """A similar task."""

    cosine = serializers.FloatField(help_text="Cosine of both tasks' features, -1 to 1.")
    task = TaskViewSerializer()


class SuspectLabelSerializer(serializers.Serializer):
    """A label beside the prediction that contradicts it."""

    target = serializers.CharField()
    human = serializers.JSONField(help_text="The label, as its kind has it.")
    predicted = serializers.JSONField()
    human_classes = serializers.ListField(child=serializers.CharField())
    predicted_classes = serializers.ListField(child=serializers.CharField())
    score = serializers.FloatField(help_text="The version's score for its prediction, 0 to 1.")
    threshold = serializers.FloatField(
        help_text="The mean score of its correct predictions of the same classes."
    )
    version = serializers.CharField(help_text="The label of the version that predicted.")
    source = serializers.ChoiceField(  # type: ignore[assignment]
        choices=Outcome.Source.choices, help_text="Why it had not learned from the task."
    )
    task = TaskViewSerializer()


class SuspectLabelsSerializer(serializers.Serializer):
    """Labels that look wrong."""

    count = serializers.IntegerField()
    labels = SuspectLabelSerializer(many=True)  # type: ignore[assignment]
    changed = ProportionSerializer(
        help_text="Such labels that people have changed since, and of them those that they changed "
        "to what was predicted."
    )
    why_none = serializers.CharField(help_text="Empty where there are some.")
    left_out = serializers.ListField(
        child=serializers.CharField(),
        help_text="Targets of boxes: an image has no score that could be compared. The version's "
        "mistakes are the images whose boxes agree least.",
    )


class AnnotatorAgreementSerializer(serializers.Serializer):
    """An annotator of a target."""

    annotator = serializers.IntegerField(help_text="Label Studio's id of the user.")
    labels = serializers.IntegerField()
    with_others = ProportionSerializer(
        help_text="Pairs of labels of one task, and of them the equal ones."
    )
    with_champion = ProportionSerializer(
        help_text="Tasks that the champion had neither learned from nor shown its prediction of, "
        "and of them those where its prediction is the annotator's label."
    )


class TargetAgreementSerializer(serializers.Serializer):
    """The annotators of a target."""

    target = serializers.CharField()
    tasks = serializers.IntegerField(help_text="With labels of two or more annotators.")
    pairs = ProportionSerializer()
    alpha = serializers.FloatField(
        allow_null=True, help_text="Krippendorff's: 1 for agreement, 0 for chance."
    )
    annotators = AnnotatorAgreementSerializer(many=True)


class AgreementSerializer(serializers.Serializer):
    """How the annotators of a project agree."""

    read = serializers.IntegerField(help_text="Tasks that were read.")
    limit = serializers.IntegerField(help_text="The most that are read.")
    targets = TargetAgreementSerializer(many=True)
