"""Carries out a training run: claim, freeze, train in a child, check, register, promote."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any

import structlog
from django.db import transaction

from mlapi.child_process import supervise
from mlapi.child_process.folder import work_folder
from mlapi.child_process.processes import is_disk_full
from mlapi.child_process.supervise import (
    ChildCrashed,
    ChildError,
    ChildFailed,
    DiskFull,
    Limits,
    Program,
    TimeLimit,
)
from mlapi.inputs.base import Preparation
from mlapi.pipelines import PIPELINES
from mlapi.pipelines.base import CHALLENGER
from mlapi.run_folder.result import read_result
from mlapi.training import learning_curve, mirror_update
from mlapi.training.freezing import Frozen, freeze
from mlapi.training.heartbeat import Cancelled, Heartbeat, RunLog, RunTakenOver, WorkerStopped
from mlapi.training.mirror_update import LabelsUnread
from mlapi.training.programs import Programs
from mlapi.worker import shutdown_requested
from registry import artifacts
from registry.actions import champion, registration, run_starts, runs, versions
from registry.actions.runs import CancelRequested, RunNotActive
from registry.errors import EvalsError
from registry.models import ModelVersion, Project, TrainingRun
from registry.models.run import RunKind, RunState
from registry.same_content import same_champion
from registry.training_result import TrainingResult

log = structlog.get_logger(__name__)

# What a run fails with that has too few labels, or too few kinds of them.
_WANT_OF_LABELS = frozenset(
    {"no_labels", "not_enough_labels", "one_class", "not_enough_tasks", "no_references"}
)


class LoadFailed(EvalsError):
    """The new version does not load in a fresh process, so it must not serve."""

    code = "load_failed"


class ChampionMoved(EvalsError):
    """A challenger was compared with a version that is the champion no more."""

    code = "champion_moved"


def carry_out(
    run_id: int,
    worker: str,
    *,
    programs: Programs | None = None,
    limits: Limits | None = None,
) -> TrainingRun | None:
    """Claims the run and carries it out; None if it cannot be claimed.

    In every case the run's row says how it ended, its processes are gone and its folder is
    removed. Raises only what ends this process (SystemExit, KeyboardInterrupt).
    """
    if shutdown_requested.is_set():
        return None  # it stays queued, and the next worker's maintenance finds it
    run = runs.claim(run_id, worker)
    if run is None:
        return None
    attempt = _Attempt(run, programs or Programs(), limits or Limits.from_settings())
    with structlog.contextvars.bound_contextvars(run=run.pk, project=run.project_id):
        try:
            with work_folder(run.pk) as folder:
                version = attempt.make_version(folder)
                if version is not None and attempt.computes_curve(version):
                    attempt.add_learning_curve(version, folder)
        except OSError as error:
            log.exception("no work folder")
            attempt.fail("no_work_folder", str(error), "Look at the disk that DATA_DIR is on.")
    run.refresh_from_db()
    return run


def challenge(run: TrainingRun) -> TrainingRun | None:
    """Queues the challenger of a training that has made a version, if its parameters ask for it.

    Or of one that has found a version again which had to do without, because this run followed.
    """
    same = run.same_as
    has_version = run.state == RunState.SUCCEEDED and (same is None or _left_to_the_next_run(same))
    needs_challenger = has_version and run.parameters.get(CHALLENGER)
    return run_starts.start_challenger(run) if needs_challenger else None


def _left_to_the_next_run(version: ModelVersion) -> bool:
    """Whether the version's run went without what another one made at once.

    That one takes over its challenger and its learning curve as well.
    """
    return version.run is not None and bool(version.run.left)


class _Attempt:
    """The work on one claimed run."""

    def __init__(self, run: TrainingRun, programs: Programs, limits: Limits) -> None:
        self.run = run
        self.programs = programs
        self.limits = limits
        self.run_log = RunLog(run)
        self.unread: EvalsError | None = None
        self.is_challenger = run.kind == RunKind.CHALLENGER
        self._ends_at = monotonic() + limits.seconds

    def make_version(self, folder: Path) -> ModelVersion | None:
        """The registered version, or one that was found again and lacks its learning curve.

        None if the run ended without one that loads.
        """
        try:
            with Heartbeat(self.run) as heartbeat:
                return self._make_version(folder, heartbeat)
        except (Cancelled, CancelRequested):
            self._end(runs.finish_cancel)
        except (RunTakenOver, RunNotActive):
            log.warning("the run was taken away; its work is dropped")
        except EvalsError as failure:
            error = failure
            if self.unread is not None and failure.code in _WANT_OF_LABELS:
                error = LabelsUnread.instead_of(failure, self.unread)
            log.warning("training failed", code=error.code, error=error.message)
            self.fail(error.code, error.message, error.hint)
            if isinstance(failure, ChildCrashed):
                run_starts.retry_once(self.run)
            if isinstance(failure, ChampionMoved):
                run_starts.retry_by_worker(self.run, failure.message)
        except Exception as error:
            log.exception("training failed unexpectedly")
            if is_disk_full(error):
                full = DiskFull(DiskFull.text)
                self.fail(full.code, full.message, full.hint)
            else:
                self.fail("unexpected", f"{type(error).__name__}: {error}", "See the worker's log.")
        except WorkerStopped:
            self._hand_back()
        except KeyboardInterrupt:
            self._end(runs.finish_cancel)
            raise
        except BaseException as error:
            self.fail("worker_ended", f"Its worker ended: {error}", "Start the training again.")
            raise
        return None

    def _make_version(self, folder: Path, heartbeat: Heartbeat) -> ModelVersion | None:
        with heartbeat.uninterruptible():
            self.run_log.phase("reading labels", 0.0)
            self.unread = mirror_update.bring_up_to_date(
                self.run, self.run_log, self._checkpoint(heartbeat)
            )
            self.run_log.phase("freezing the dataset", 0.01)
            frozen = freeze(self.run, self.run_log, folder)
        for preparing in frozen.preparations:
            self._prepare(preparing, heartbeat)
        self.run_log.phase("starting the training", 0.05)
        try:
            self._supervise(self.programs.train(folder), folder, heartbeat)
        finally:
            for prepared in frozen.preparations:
                self._store(prepared)
        result = read_result(folder)
        if self.is_challenger and not _challenger_won(result):
            self._end_without_version(result)
            return None
        if self.is_challenger:
            self._require_same_champion(frozen)
        if (same := same_champion(self.run, result)) is not None:
            self._end_with_nothing_new(result, same)
            return same if self._lacks_curve(same) else None
        self.run_log.phase("verifying", 0.92)
        stored = self._stored(folder, result, frozen.number)
        load_error = self._load_error(folder, stored, result.artifact_sha256, heartbeat)
        heartbeat.check()
        self.run_log.phase("registering", 0.95)
        return self._register(folder, result, frozen, load_error)

    def _require_same_champion(self, frozen: Frozen) -> None:
        """Raises ChampionMoved if the challenger was compared with a version that serves no more.

        One that moves later is noticed with the promotion, and keeps its place.
        """
        compared = frozen.champion.pk if frozen.champion else None
        now = Project.objects.values_list("champion", flat=True).get(pk=self.run.project_id)
        if now != compared:
            raise ChampionMoved("Another version has become the champion meanwhile.")

    def _end_without_version(self, result: TrainingResult) -> None:
        """Ends a challenger that found nothing else than the training before it."""
        candidates = [asdict(candidate) for candidate in result.candidates]
        runs.set_details(self.run, candidates=candidates)
        self.run_log.write("The challenger is best for no control: no version is registered.")
        runs.succeed(self.run)

    def _end_with_nothing_new(self, result: TrainingResult, same: ModelVersion) -> None:
        """Ends a run that has found the champion again, whose version string stays."""
        candidates = [asdict(candidate) for candidate in result.candidates]
        runs.set_details(self.run, candidates=candidates)
        self.run_log.write(
            f"Nothing new: the model is {same.label} again. No version is registered."
        )
        runs.succeed(self.run, same_as=same)

    def _checkpoint(self, heartbeat: Heartbeat) -> Callable[[], None]:
        """Raises what ends the run, which has its time limit from its first second."""

        def check() -> None:
            heartbeat.check()
            if monotonic() > self._ends_at:
                raise TimeLimit(f"Ended after {self.limits.seconds:g} s, its time limit.")

        return check

    def _prepare(self, preparing: Preparation, heartbeat: Heartbeat) -> None:
        """Brings what is not in the tasks' data into the run's folder."""
        self.run_log.phase(preparing.phase, 0.02)
        preparing.prepare(self._checkpoint(heartbeat), self.limits.seconds)
        self.run_log.write(preparing.prepared_text())

    def _store(self, prepared: Preparation) -> None:
        """Stores what was made, however the training ended; a failure is only logged."""
        made = prepared.products
        try:
            prepared.store()
            counts = {**self.run.dataset_counts, prepared.name: prepared.counts}
            runs.set_details(self.run, dataset_counts=counts)
            self.run_log.write(prepared.stored_text())
        except RunNotActive:
            log.info(f"the {made} are stored, and the run has ended")
        except Exception as error:
            log.exception(f"{made} not stored")
            self.run_log.append(f"The {made} were not stored: {type(error).__name__}: {error}")

    def _supervise(self, program: Program, folder: Path, heartbeat: Heartbeat) -> None:
        try:
            supervise.supervise(
                program,
                folder,
                self.limits,
                may_fork=True,
                on_progress=self.run_log.append_progress,
                checkpoint=self._checkpoint(heartbeat),
            )
        except ChildError:
            self.run_log.write(supervise.output_tail(folder))
            raise

    def _stored(self, folder: Path, result: TrainingResult, number: int) -> Path:
        """The artifact as the store has it, which is what will serve.

        Under the key of the version that it becomes; one that another training has overtaken is
        stored once more when it is registered.
        """
        sha256 = result.artifact_sha256
        key = artifacts.key(self.run.project_id, registration.label_of(number, sha256))
        artifacts.put(folder / "artifact.bin", key)
        return artifacts.fetch_file(key, sha256)

    def _load_error(self, folder: Path, stored: Path, sha256: str, heartbeat: Heartbeat) -> str:
        """Why the artifact does not load in a fresh process; "" if it does.

        Raises ChildError where that process was ended without saying so, or could not read the
        run's folder: the run has failed, and nothing is known of the version.
        """
        try:
            check = self.programs.verify(folder, stored, sha256)
            self._supervise(check, folder, heartbeat)
        except ChildFailed as error:
            return error.message
        return ""

    def _register(
        self, folder: Path, result: TrainingResult, frozen: Frozen, load_error: str
    ) -> ModelVersion:
        comparison: dict[str, Any] = {}
        if result.comparison and frozen.champion:
            label = frozen.champion.label
            comparison = {**asdict(result.comparison), "champion_label": label}
        candidates = [asdict(candidate) for candidate in result.candidates]
        runs.set_details(self.run, candidates=candidates, comparison=comparison)
        artifact = folder / "artifact.bin"
        version = registration.register(self.run, result, artifact, number_hint=frozen.number)
        if load_error:
            versions.mark_load_failed(version, load_error)
            raise LoadFailed(f"{version.label} does not load: {load_error}"[:2000])
        with transaction.atomic():
            runs.require_not_cancelled(self.run)
            promoted = champion.apply_promotion_rule(version, comparison, self.run)
            self.run_log.write(
                f"{version.label} {'is the champion now' if promoted else 'was not promoted'}."
            )
            runs.succeed(self.run)
        return version

    def computes_curve(self, version: ModelVersion) -> bool:
        """Whether to compute the version's learning curve.

        A challenger's takes minutes, and the next run does not wait for that of a first version.
        """
        serves = version.project.champion_id == version.pk
        return serves if self.is_challenger else not self.run.left

    def _lacks_curve(self, same: ModelVersion) -> bool:
        """Whether a version that was found again had to leave its learning curve to this run."""
        if self.is_challenger or not _left_to_the_next_run(same):
            return False
        return not same.metrics.filter(name="learning_curve").exists()

    def add_learning_curve(self, version: ModelVersion, folder: Path) -> None:
        """Computes the version's learning curve, after the run has succeeded."""
        program = self.programs.curve(folder)
        learning_curve.add(version, self.run_log, program, folder, self.limits)

    def fail(self, code: str, message: str, hint: str) -> None:
        """Ends the run as failed, unless it has ended already."""
        self._end(lambda run: runs.fail(run, code, message, hint))

    def _hand_back(self) -> None:
        """Fails the run of a worker that stops, and queues it again for the next worker.

        One whose cancellation was requested since the last heartbeat is cancelled instead.
        """
        if TrainingRun.objects.filter(pk=self.run.pk, cancel_requested=True).exists():
            self._end(runs.finish_cancel)
            return
        self.fail("worker_stopped", "Its worker was stopped.", "It was queued again.")
        run_starts.retry_by_worker(self.run, "Its worker was stopped.")

    def _end(self, action: Callable[[TrainingRun], None]) -> None:
        try:
            action(self.run)
        except RunNotActive:
            log.info("the run had ended already")


def _challenger_won(result: TrainingResult) -> bool:
    """Whether any pipeline's challenger has won one of its targets."""
    pipelines = {target.name: target.pipeline for target in result.targets if target.pipeline}
    return any(
        PIPELINES[pipeline].challenger_won([c for c in result.candidates if c.target == target])
        for target, pipeline in pipelines.items()
    )
