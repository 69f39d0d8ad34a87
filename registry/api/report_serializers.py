"""The serializers of reports on versions and tasks."""

from typing import Any

from rest_framework import serializers

from .serializers import VersionReference


class ShownTaskSerializer(serializers.Serializer):
    """A task for display."""

    id = serializers.IntegerField()
    labelstudio_id = serializers.IntegerField()
    kind = serializers.CharField(help_text="text, or image.")
    text = serializers.CharField(help_text="Of an image its address.")
    url = serializers.CharField(allow_null=True, help_text="In Label Studio, where it is known.")
    deleted = serializers.BooleanField()
    thumbnail = serializers.CharField(
        allow_null=True, help_text="The path of the route that shows an image small."
    )


class MistakeSerializer(serializers.Serializer):
    """A wrong prediction and its score."""

    outcome = serializers.IntegerField()
    target = serializers.CharField()
    human = serializers.JSONField()
    predicted = serializers.JSONField(allow_null=True)
    score = serializers.FloatField(allow_null=True)
    task = ShownTaskSerializer()


class NextTaskSerializer(serializers.Serializer):
    """A task that nobody has labelled."""

    score = serializers.FloatField(help_text="The champion's score, 0 to 1.")
    task = ShownTaskSerializer()


class ExampleSerializer(serializers.Serializer):
    """A task, and the score with which the version would give it the label."""

    score = serializers.FloatField()
    task = ShownTaskSerializer()


class LookSerializer(serializers.Serializer):
    """A label with its best examples, the best first."""

    target = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    n = serializers.IntegerField(
        allow_null=True,
        help_text="Tasks that the version gives it, or of the holdout that humans gave it.",
    )
    by_humans = serializers.BooleanField(help_text="Whether n is of what humans gave.")
    total = serializers.IntegerField(help_text="How many examples there are.")
    examples = ExampleSerializer(many=True)


class AlikeSerializer(serializers.Serializer):
    """A similar task."""

    cosine = serializers.FloatField(help_text="Of the features of both, -1 to 1.")
    task = ShownTaskSerializer()


class IntervalField(serializers.ListField):
    """The lower and the upper end."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "The 95 % interval.")
        super().__init__(child=serializers.FloatField(), min_length=2, max_length=2, **kwargs)


class DifferenceSerializer(serializers.Serializer):
    """A metric of both on the same tasks; null where it is undefined on them."""

    name = serializers.CharField()
    a = serializers.FloatField(allow_null=True)
    b = serializers.FloatField(allow_null=True)
    difference = serializers.FloatField(allow_null=True)
    interval = IntervalField(allow_null=True)
    is_clear = serializers.BooleanField(help_text="Whether the interval leaves out 0.")
    n = serializers.IntegerField()


class DisagreementSerializer(serializers.Serializer):
    """A task that one version has right and the other wrong."""

    target = serializers.CharField()
    human = serializers.JSONField()
    a = serializers.JSONField(allow_null=True)
    b = serializers.JSONField(allow_null=True)
    score_a = serializers.FloatField(allow_null=True)
    score_b = serializers.FloatField(allow_null=True)
    task = ShownTaskSerializer()


class TargetComparisonSerializer(serializers.Serializer):
    """A target that both versions are trained for."""

    target = serializers.CharField()
    kind = serializers.CharField()
    n = serializers.IntegerField()
    metrics = DifferenceSerializer(many=True)
    per_class = DifferenceSerializer(many=True)
    only_a = serializers.IntegerField(help_text="Tasks that only a has right.")
    only_b = serializers.IntegerField(help_text="Tasks that only b has right.")
    p_value = serializers.FloatField(help_text="McNemar's, of only_a and only_b.")
    a_right = DisagreementSerializer(many=True)
    b_right = DisagreementSerializer(many=True)


class RecordedSerializer(serializers.Serializer):
    """A metric as each version's own run recorded it, each on the holdout of its time."""

    target = serializers.CharField()
    name = serializers.CharField()
    metric = serializers.CharField(help_text="What the primary one is the mean of, else its name.")
    k = serializers.IntegerField(help_text="Of precision at k, else 0.")
    a = serializers.FloatField(allow_null=True)
    n_a = serializers.IntegerField()
    b = serializers.FloatField(allow_null=True)
    n_b = serializers.IntegerField()


class ComparisonSerializer(serializers.Serializer):
    """`b` beside `a`; each difference is b - a."""

    a = VersionReference()
    b = VersionReference()
    n = serializers.IntegerField(help_text="Tasks that both were evaluated on.")
    verdict = serializers.CharField(help_text="One sentence.")
    primary = DifferenceSerializer()
    targets = TargetComparisonSerializer(many=True)
    recorded = RecordedSerializer(many=True)


class CardProjectSerializer(serializers.Serializer):
    """The version's project."""

    id = serializers.IntegerField()
    uid = serializers.CharField()
    title = serializers.CharField()


class CardSerializer(serializers.Serializer):
    """Everything about a version."""

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
