"""What the list of projects can be asked."""

import django_filters

from registry.models import Project
from registry.models.project import PromotionRule

from .filters import AfterFilter, BeforeFilter, FlagFilter


class ProjectFilter(django_filters.FilterSet):
    """By identity, pipeline and champion."""

    uid = django_filters.CharFilter()
    hostname = django_filters.CharFilter()
    pipeline = django_filters.CharFilter()
    promotion_rule = django_filters.ChoiceFilter(choices=PromotionRule.choices)
    has_champion = FlagFilter(field_name="champion", lookup_expr="isnull", exclude=True)
    created_after = AfterFilter("created_at")
    created_before = BeforeFilter("created_at")

    class Meta:
        model = Project
        fields: list[str] = []
