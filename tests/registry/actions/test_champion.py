"""The champion: moved by actions only, along a history that can be walked back."""

import pytest

from registry.actions import champion, versions
from registry.actions.champion import NothingToRollBackTo, NotPromotable
from registry.models import AuditEntry, Project
from tests import factories as make

pytestmark = pytest.mark.django_db

BETTER = {"metric": "macro_f1", "candidate": 0.8, "champion": 0.7, "n": 100, "interval": [0, 0.2]}


@pytest.fixture
def project():
    return make.ProjectFactory()


@pytest.fixture
def champions(project):
    """v1, v2, v3, each promoted in its turn."""
    return [make.ModelVersionFactory(project=project, champion=True) for _ in range(3)]


def serving(project):
    return Project.objects.get(pk=project.pk).champion


def roll_back(project, **options):
    champion.roll_back(project, actor="ada", reason="worse", **options)
    return serving(project)


def fall_back(project, version, loads=lambda v: True):
    champion.fall_back(project, version, actor="serving", error="gone", loads=loads)
    return serving(project)


def test_a_promotion_is_recorded_with_its_numbers(project, champions):
    version = make.ModelVersionFactory(project=project)
    entry = champion.promote(version, actor="ada", reason="try it", numbers=BETTER, run=version.run)
    assert (entry.from_version, entry.to_version, entry.run) == (champions[2], version, version.run)
    assert entry.numbers["n"] == 100
    assert serving(project) == version


def test_the_champion_is_not_promoted_again(project, champions):
    with pytest.raises(NotPromotable):
        champion.promote(champions[2], actor="ada", reason="r")


def test_a_version_of_another_project_cannot_be_rolled_back_to(project, champions):
    with pytest.raises(NotPromotable):
        roll_back(project, to=make.ModelVersionFactory())


def test_a_version_that_did_not_load_is_not_promoted(project):
    version = make.ModelVersionFactory(project=project)
    versions.mark_load_failed(version, "corrupt")
    with pytest.raises(NotPromotable, match="corrupt"):
        champion.promote(version, actor="ada", reason="r")
    assert serving(project) is None


def test_roll_back_goes_to_the_champion_before(project, champions):
    assert roll_back(project) == champions[1]


def test_repeated_roll_backs_go_further_back_until_none_is_left(project, champions):
    assert roll_back(project) == champions[1]
    assert roll_back(project) == champions[0]
    with pytest.raises(NothingToRollBackTo):
        roll_back(project)


def test_roll_back_follows_the_history_and_not_the_numbers(project, champions):
    champion.promote(champions[0], actor="ada", reason="r")  # v1, v2, v3, v1
    assert roll_back(project) == champions[2]


def test_a_promotion_after_a_roll_back_continues_its_history(project, champions):
    roll_back(project)  # v2 serves
    fourth = make.ModelVersionFactory(project=project, champion=True)
    assert serving(project) == fourth
    assert roll_back(project) == champions[1]


def test_roll_back_passes_over_what_cannot_serve(project, champions):
    versions.archive(champions[1], actor="ada", reason="r")
    assert roll_back(project) == champions[0]


def test_the_previous_champion_is_found_in_two_queries(project, django_assert_num_queries):
    champions = [make.ModelVersionFactory(project=project, champion=True) for _ in range(6)]
    for version in champions[1:5]:
        versions.archive(version, actor="ada", reason="r")
    project.refresh_from_db()
    with django_assert_num_queries(2):  # the moves, and the versions that can serve
        assert champion.previous_champion(project) == champions[0]


def test_roll_back_goes_to_the_chosen_version(project, champions):
    assert roll_back(project, to=champions[0]) == champions[0]
    assert AuditEntry.objects.filter(verb="roll_back").get().from_version == champions[2]


def test_fall_back_moves_to_the_newest_earlier_version(project, champions):
    assert fall_back(project, champions[2]) == champions[1]
    champions[2].refresh_from_db()
    assert champions[2].load_error == "gone"
    entry = AuditEntry.objects.get(verb="fall_back")
    assert (entry.version, entry.from_version, entry.to_version) == (
        champions[2],
        champions[2],
        champions[1],
    )
    assert entry.reason == "gone"


def test_fall_back_passes_over_those_that_do_not_load_or_are_archived(project):
    champions = [make.ModelVersionFactory(project=project, champion=True) for _ in range(4)]
    versions.archive(champions[2], actor="ada", reason="r")
    tried = []

    def loads(version):
        tried.append(version)
        return version == champions[0]

    assert fall_back(project, champions[3], loads) == champions[0]
    assert tried == [champions[1], champions[0]]
    champions[1].refresh_from_db()
    assert champions[1].load_failed_at


def test_fall_back_leaves_no_champion_if_nothing_loads(project, champions):
    assert fall_back(project, champions[2], loads=lambda v: False) is None
    assert AuditEntry.objects.get(verb="fall_back").to_version is None
    assert Project.objects.get(pk=project.pk).served_version is None


def test_a_fall_back_that_comes_late_moves_nothing(project, champions):
    roll_back(project)
    assert fall_back(project, champions[2]) == champions[1]
    assert not AuditEntry.objects.filter(verb="fall_back").exists()


def test_a_pointer_that_was_moved_while_the_fall_back_was_loading_stays(project, champions):
    def promote_another(version):
        champion.promote(champions[0], actor="ada", reason="r")
        return True

    assert fall_back(project, champions[2], promote_another) == champions[0]


def test_a_roll_back_after_a_fall_back_starts_from_the_new_champion(project, champions):
    fall_back(project, champions[2])  # v2 serves
    assert roll_back(project) == champions[0]


def test_a_better_candidate_is_promoted_with_the_clause(project, champions):
    version = make.ModelVersionFactory(project=project)
    assert champion.apply_promotion_rule(version, BETTER, version.run)
    entry = AuditEntry.objects.filter(verb="promote").latest("id")
    assert entry.actor == "policy"
    assert entry.numbers | {"clause": "as_good", "rule": "if_at_least_as_good"} == entry.numbers
    assert entry.numbers["candidate"] == 0.8


def test_a_worse_candidate_is_not_promoted_and_the_entry_has_the_clause(project, champions):
    version = make.ModelVersionFactory(project=project)
    assert not champion.apply_promotion_rule(version, BETTER | {"candidate": 0.6}, version.run)
    assert serving(project) == champions[2]
    entry = AuditEntry.objects.get(verb="keep")
    assert (entry.version, entry.numbers["clause"], entry.numbers["champion"]) == (
        version,
        "worse",
        0.7,
    )


def test_a_comparison_with_a_version_that_was_rolled_back_meanwhile_does_not_count(
    project, champions
):
    version = make.ModelVersionFactory(project=project)
    compared = BETTER | {"champion_label": champions[2].label}
    roll_back(project)
    assert not champion.apply_promotion_rule(version, compared, version.run)
    assert serving(project) == champions[1]


def test_the_first_version_is_promoted(project):
    version = make.ModelVersionFactory(project=project)
    assert champion.apply_promotion_rule(version, {}, version.run)
    assert serving(project) == version
    numbers = AuditEntry.objects.get(verb="promote").numbers
    assert (numbers["clause"], numbers["candidate"], numbers["n"]) == ("no_champion", 0.8, 40)


def test_the_rule_never_applies_to_the_first_version_too(project):
    Project.objects.filter(pk=project.pk).update(promotion_rule="never")
    version = make.ModelVersionFactory(project=project)
    assert not champion.apply_promotion_rule(version, {}, version.run)
    assert serving(project) is None
