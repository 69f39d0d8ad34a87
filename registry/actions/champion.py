"""Actions on the champion: promote, roll back, apply the promotion rule, fall back."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone

from registry import promotion, queue
from registry.errors import Refused
from registry.models import AuditEntry, ModelVersion, Project, TrainingRun
from registry.models.audit_entry import CHAMPION_MOVES
from registry.models.run import RunKind

from . import base, notifications, versions


class NotPromotable(Refused):
    """The version is archived, did not load, or serves already."""

    code = "not_promotable"


class NothingToRollBackTo(Refused):
    """No earlier champion can serve."""

    code = "nothing_to_roll_back_to"


class ChampionChanged(Refused):
    """Another version serves than the one that a person was shown."""

    code = "champion_changed"


@transaction.atomic
def promote(
    version: ModelVersion,
    *,
    actor: str,
    reason: str,
    expected_champion: str = "",
    numbers: dict[str, Any] | None = None,
    run: TrainingRun | None = None,
) -> AuditEntry:
    """Make the version the champion. Raises NotPromotable.

    Raises ChampionChanged where the name of the champion is by now not `expected_champion`.
    """
    project = base.lock(version.project)
    _require_champion(project, expected_champion)
    require_fit_to_serve(version, project)
    return move("promote", project, version, actor, reason, numbers=numbers, run=run)


@transaction.atomic
def roll_back(
    project: Project,
    *,
    actor: str,
    reason: str,
    to: ModelVersion | None = None,
    expected_champion: str = "",
) -> AuditEntry:
    """Go back to the champion before the current one, or to the version given.

    Repeated roll-backs go further back. Raises NothingToRollBackTo or NotPromotable, and
    ChampionChanged where the name of the champion is by now not `expected_champion`.
    """
    project = base.lock(project)
    _require_champion(project, expected_champion)
    if to is None:
        to = previous_champion(project)
    if to is None:
        raise NothingToRollBackTo(f"{project} has no earlier champion that could serve.")
    require_fit_to_serve(to, project)
    return move("roll_back", project, to, actor, reason)


def champion_name(project: Project) -> str:
    """The label of the champion; "none" without one."""
    return project.champion.label if project.champion else "none"


def _require_champion(project: Project, expected: str) -> None:
    """Raise ChampionChanged where the locked project has another champion; "" is any."""
    if expected and expected != (now := champion_name(project)):
        raise ChampionChanged(f"The champion of {project} is {now} by now, not {expected}.")


def previous_champion(project: Project) -> ModelVersion | None:
    """The latest earlier champion that could serve, by the pointer's history; two queries."""
    history = [pk for pk in _champion_history(project) if pk != project.champion_id]
    fit = ModelVersion.objects.filter(archived_at__isnull=True, load_failed_at__isnull=True)
    found = fit.in_bulk(history)
    return next((found[pk] for pk in reversed(history) if pk in found), None)


def _champion_history(project: Project) -> list[int]:
    """The champions in the order in which each followed the one before, the current one last.

    A promotion adds one; a roll-back or fall-back undoes what came after its goal.
    """
    history: list[int] = []
    moves = AuditEntry.objects.filter(project=project, verb__in=CHAMPION_MOVES).order_by("id")
    for verb, goal in moves.values_list("verb", "to_version"):
        if verb != "promote":
            del history[-1:]
            while goal in history and history[-1] != goal:
                history.pop()
        if goal is not None and history[-1:] != [goal]:
            history.append(goal)
    return history


@transaction.atomic
def apply_promotion_rule(
    version: ModelVersion, comparison: dict[str, Any] | None, run: TrainingRun | None = None
) -> bool:
    """Apply the project's promotion rule to a new version; True if it is champion now.

    Either way an audit entry says which clause applied, with both numbers and n; without a
    comparison with the version's own. A comparison with a version that is not champion
    any more (`champion_label`) does not count.
    """
    project = base.lock(version.project)
    compared = (comparison or {}).get("champion_label")
    if project.champion and compared and compared != project.champion.label:
        comparison = None
    decision = promotion.decide(
        project.promotion_rule,
        comparison,
        has_champion=project.champion is not None,
        is_challenger=run is not None and run.kind == RunKind.CHALLENGER,
    )
    evaluated = comparison or _own_numbers(version)
    numbers = {**evaluated, "rule": project.promotion_rule, "clause": decision.clause}
    if decision.promote:
        promote(version, actor="policy", reason=decision.reason, numbers=numbers, run=run)
    else:
        base.record(
            "keep",
            actor="policy",
            project=project,
            reason=decision.reason,
            version=version,
            from_version=project.champion,
            to_version=project.champion,
            run=run,
            numbers=numbers,
        )
    return decision.promote


def _own_numbers(version: ModelVersion) -> dict[str, Any]:
    """The version's primary metric on its holdout, as a comparison would name it."""
    if version.primary_value is None:
        return {}
    return {"metric": "primary", "candidate": version.primary_value, "n": version.primary_n}


def fall_back(
    project: Project,
    version: ModelVersion,
    *,
    actor: str,
    error: str,
    loads: Callable[[ModelVersion], bool],
) -> ModelVersion | None:
    """Replace a champion that did not load by the newest earlier version that does, or by none.

    `loads` fetches and loads a version and returns whether that succeeded; it is slow, so it is
    called outside of the transaction. Returns the champion afterwards: another one if someone
    moved the pointer meanwhile.
    """
    versions.mark_load_failed(version, error)
    goal = _newest_earlier_that_loads(version, loads)
    with transaction.atomic():
        project = base.lock(project)
        if project.champion_id != version.pk:
            return project.champion
        if goal is not None:
            goal.refresh_from_db()
            require_fit_to_serve(goal, project)
        move("fall_back", project, goal, actor, error, from_failed=version)
    return goal


def keep(version: ModelVersion, *, actor: str, reason: str) -> None:
    """Record that the champion stays although a process could not load it; once per reason."""
    project = version.project
    last = AuditEntry.objects.filter(project=project).order_by("-id").first()
    if last and (last.verb, last.reason) == ("keep", reason):
        return
    base.record(
        "keep",
        actor=actor,
        project=project,
        reason=reason,
        version=version,
        from_version=version,
        to_version=version,
    )


def _newest_earlier_that_loads(
    version: ModelVersion, loads: Callable[[ModelVersion], bool]
) -> ModelVersion | None:
    earlier = ModelVersion.objects.filter(
        project=version.project_id,
        number__lt=version.number,
        archived_at__isnull=True,
        load_failed_at__isnull=True,
    )
    for candidate in earlier.order_by("-number"):
        if loads(candidate):
            return candidate
        versions.mark_load_failed(candidate, "It did not load when a fall-back tried it.")
    return None


def why_not_promotable(version: ModelVersion, project: Project) -> NotPromotable | None:
    """The reason why the version cannot become the project's champion, by both rows as given."""
    if version.project_id != project.pk:
        return NotPromotable(f"{version.label} belongs to another project.")
    if project.champion_id == version.pk:
        return NotPromotable(f"{version.label} is the champion already.")
    if version.archived_at:
        return NotPromotable(f"{version.label} is archived.", hint="Take it out of the archive.")
    if version.load_failed_at:
        return NotPromotable(
            f"{version.label} did not load: {version.load_error}",
            hint="Restore its artifact, then clear the failed load.",
        )
    return None


def require_fit_to_serve(version: ModelVersion, project: Project) -> None:
    """Raise NotPromotable, by the version's row as it is now."""
    current = ModelVersion.objects.get(pk=version.pk)
    if refusal := why_not_promotable(current, project):
        raise refusal


def move(
    verb: str,
    project: Project,
    goal: ModelVersion | None,
    actor: str,
    reason: str,
    *,
    numbers: dict[str, Any] | None = None,
    run: TrainingRun | None = None,
    from_failed: ModelVersion | None = None,
) -> AuditEntry:
    """Move the pointer of a locked project and record it; the new champion scores what is left."""
    now = timezone.now()
    Project.objects.filter(pk=project.pk).update(
        champion=goal, scores_queued_at=now if goal else None, updated_at=now
    )
    if goal is not None:
        queue.score(goal.pk)
        queue.push_to_mlflow(goal.pk)
    entry = base.record(
        verb,
        actor=actor,
        project=project,
        reason=reason,
        version=from_failed or goal,
        from_version=project.champion,
        to_version=goal,
        run=run,
        numbers=numbers,
    )
    notifications.champion_moved(entry)
    project.champion = goal
    return entry
