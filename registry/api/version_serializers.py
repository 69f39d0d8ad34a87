"""The serializers of /api/versions/: a version, its requests and reports."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from registry.engine import DATASET_FORMS
from registry.models import ModelVersion, Outcome, Target
from registry.models.version import VersionState

from .serializers import Body, IntervalField, ReadSoFar, TaskViewSerializer, VersionReference


class MistakesQuery(Body):
    """The target and source of the mistakes, and their number."""

    target = serializers.CharField(max_length=255, required=False, help_text="Omitted: all.")
    source = serializers.ChoiceField(  # type: ignore[assignment]
        choices=Outcome.Source.choices, default=Outcome.Source.HOLDOUT
    )
    limit = serializers.IntegerField(min_value=1, max_value=500, default=20)


class DatasetQuery(Body):
    """In which form."""

    def get_fields(self) -> dict[str, serializers.Field]:
        choices = zip(DATASET_FORMS, ("a task a line", "what Label Studio imports"), strict=True)
        return {"as": serializers.ChoiceField(list(choices), default=DATASET_FORMS[0])}


class ExemplarsQuery(Body):
    """The target and label, and the number of examples of each."""

    target = serializers.CharField(max_length=255, required=False, help_text="Omitted: all.")
    label = serializers.CharField(  # type: ignore[assignment]
        max_length=500, required=False, help_text="Omitted: all."
    )
    limit = serializers.IntegerField(min_value=1, max_value=100, default=12)


class CompareQuery(Body):
    """The other version, of the same project."""

    def get_fields(self) -> dict[str, serializers.Field]:
        """The fields, with `with`, which as a keyword of Python cannot be an attribute."""
        version = self.context.get("version")
        same_project = ModelVersion.objects.filter(project=version.project_id if version else None)
        return {"with": serializers.PrimaryKeyRelatedField(queryset=same_project)}


class PrimarySerializer(serializers.Serializer):
    """The primary metric on the version's own holdout; value null: not evaluated."""

    metric = serializers.CharField(help_text="The metric that it is the mean of, such as macro_f1.")
    value = serializers.FloatField(allow_null=True)
    interval = IntervalField(
        allow_null=True, help_text="Its 95 % interval; null where none is known."
    )
    n = serializers.IntegerField()
    few = serializers.BooleanField(help_text="Whether n is under 30: too few to rely on.")


class VersionSerializer(serializers.ModelSerializer):
    """A version, its state and its primary metric."""

    state = serializers.ChoiceField(choices=VersionState.choices, read_only=True)
    primary = serializers.SerializerMethodField()

    class Meta:
        model = ModelVersion
        fields = [
            *("id", "project", "number", "label", "state", "primary", "run", "pipeline"),
            *("recipe", "fingerprint", "extractor", "artifact_bytes", "artifact_sha256", "note"),
            *("tags", "created_at", "archived_at", "load_failed_at", "load_error"),
        ]
        read_only_fields = fields

    @extend_schema_field(PrimarySerializer)
    def get_primary(self, version: Any) -> dict[str, Any]:
        return {
            "metric": version.primary_metric,
            "value": version.primary_value,
            "interval": version.primary_interval,
            "n": version.primary_n,
            "few": version.has_few_tasks,
        }


class TargetSerializer(serializers.ModelSerializer):
    """A control tag, and whether the version predicts it."""

    labels = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Target
        fields = [
            *("name", "object_name", "object_tag", "field", "kind", "pipeline", "labels"),
            *("trained", "untrained_reason", "decision"),
        ]
        read_only_fields = fields


class VersionDetailSerializer(VersionSerializer):
    """A version with its targets, and the packages that it was trained with."""

    targets = TargetSerializer(many=True)
    environment = serializers.JSONField()
    read_so_far = serializers.SerializerMethodField(
        help_text="Of a version that was trained while Label Studio was still being read: the "
        "tasks that its dataset and holdout are of. Null: of all."
    )

    class Meta(VersionSerializer.Meta):
        fields = [*VersionSerializer.Meta.fields, "targets", "environment", "read_so_far"]
        read_only_fields = fields

    @extend_schema_field(ReadSoFar(allow_null=True))
    def get_read_so_far(self, version: ModelVersion) -> dict[str, int] | None:
        return version.run.dataset_counts.get("read_so_far") if version.run else None


class MistakeSerializer(serializers.Serializer):
    """A wrong prediction and its score."""

    outcome = serializers.IntegerField()
    target = serializers.CharField()
    human = serializers.JSONField()
    predicted = serializers.JSONField(allow_null=True)
    score = serializers.FloatField(allow_null=True)
    task = TaskViewSerializer()


class ExemplarTaskSerializer(serializers.Serializer):
    """A task and its score for the label."""

    score = serializers.FloatField()
    task = TaskViewSerializer()


class LabelExemplarsSerializer(serializers.Serializer):
    """A label with its examples, highest score first."""

    target = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    n = serializers.IntegerField(
        allow_null=True,
        help_text="Tasks with this prediction, or holdout tasks with this human label.",
    )
    by_humans = serializers.BooleanField(help_text="Whether n counts human labels.")
    total = serializers.IntegerField(help_text="Number of stored examples.")
    examples = ExemplarTaskSerializer(many=True)


class DifferenceSerializer(serializers.Serializer):
    """A metric of both versions on the same tasks; null: undefined."""

    name = serializers.CharField()
    a = serializers.FloatField(allow_null=True)
    b = serializers.FloatField(allow_null=True)
    difference = serializers.FloatField(allow_null=True)
    interval = IntervalField(allow_null=True)
    is_clear = serializers.BooleanField(help_text="Whether the interval excludes 0.")
    n = serializers.IntegerField()


class DisagreementSerializer(serializers.Serializer):
    """A task that only one of the versions predicts correctly."""

    target = serializers.CharField()
    human = serializers.JSONField()
    a = serializers.JSONField(allow_null=True)
    b = serializers.JSONField(allow_null=True)
    score_a = serializers.FloatField(allow_null=True)
    score_b = serializers.FloatField(allow_null=True)
    task = TaskViewSerializer()


class ComparedTargetSerializer(serializers.Serializer):
    """A target that both versions are trained for."""

    target = serializers.CharField()
    kind = serializers.CharField()
    n = serializers.IntegerField()
    metrics = DifferenceSerializer(many=True)
    per_class = DifferenceSerializer(many=True)
    only_a = serializers.IntegerField(help_text="Tasks that only a predicts correctly.")
    only_b = serializers.IntegerField(help_text="Tasks that only b predicts correctly.")
    p_value = serializers.FloatField(help_text="McNemar's, of only_a and only_b.")
    a_right = DisagreementSerializer(many=True)
    b_right = DisagreementSerializer(many=True)


class RecordedMetricSerializer(serializers.Serializer):
    """A metric as each version's run recorded it, on that run's holdout."""

    target = serializers.CharField()
    name = serializers.CharField()
    metric = serializers.CharField(
        help_text="The metric's name; for `primary` that of the metric that it is the mean of."
    )
    k = serializers.IntegerField(help_text="The k of precision at k, else 0.")
    a = serializers.FloatField(allow_null=True)
    n_a = serializers.IntegerField()
    b = serializers.FloatField(allow_null=True)
    n_b = serializers.IntegerField()


class VersionComparisonSerializer(serializers.Serializer):
    """Version b against version a; each difference is b - a."""

    a = VersionReference()
    b = VersionReference()
    n = serializers.IntegerField(help_text="Tasks that both versions were evaluated on.")
    summary = serializers.CharField(help_text="The result in one sentence.")
    primary = DifferenceSerializer()
    targets = ComparedTargetSerializer(many=True)
    recorded = RecordedMetricSerializer(many=True)


class CardProjectSerializer(serializers.Serializer):
    """The version's project."""

    id = serializers.IntegerField()
    uid = serializers.CharField()
    title = serializers.CharField()


class CardSerializer(serializers.Serializer):
    """A version's card: metrics, classes, mistakes, comparison and lineage."""

    version = serializers.CharField()
    number = serializers.IntegerField()
    state = serializers.CharField()
    note = serializers.CharField()
    created_at = serializers.DateTimeField()
    project = CardProjectSerializer()
    pipeline = serializers.CharField()
    recipe = serializers.CharField()
    primary_metric = serializers.CharField()
    targets = serializers.ListField(child=serializers.DictField())
    metrics = serializers.ListField(child=serializers.DictField())
    previous_champion = serializers.CharField(allow_null=True)
    per_class = serializers.ListField(child=serializers.DictField())
    labels = serializers.ListField(child=serializers.DictField())
    confusion = serializers.ListField(child=serializers.DictField())
    learning_curves = serializers.ListField(child=serializers.DictField())
    after_training = serializers.DictField(child=serializers.DictField())
    mistakes = serializers.ListField(child=serializers.DictField())
    comparison = serializers.DictField()
    lineage = serializers.DictField()
    audit_entries = serializers.ListField(child=serializers.DictField())
