"""The nightly tests of a change: those of the folders that it touches.

`python -m tests.nightly` prints the modules to run, one a line; nothing if there are none.
`tests/documentation/test_nightly.py` holds the table complete.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# What the pages of the admin are made of.
_PAGES = ("registry/admin", "registry/static", "registry/templates", "registry/unfold_templates")
# A test module with nightly tests, and the folders or files whose changes it is to be run for.
# Its own folder counts without being named.
TOUCHED_BY: Mapping[str, tuple[str, ...]] = {
    "tests/benchmarks/test_whole_runs.py": ("benchmarks", "registry/migrations"),
    "tests/deploy/test_scraped.py": ("deploy", "evals_backend/web", "mlapi/monitoring"),
    "tests/browser/test_pages.py": ("evals_backend/web", *_PAGES),
    "tests/browser/test_label_renames.py": (
        "registry/actions",
        "registry/label_renames.py",
        "registry/reports",
        *_PAGES,
    ),
    "tests/e2e/test_several_pipelines.py": (
        "mlapi/labelstudio",
        "mlapi/pipelines",
        "mlapi/serving.py",
        "mlapi/training",
    ),
    "tests/e2e/test_own_ui.py": ("mlapi/labelstudio", "mlapi/serving.py", "mlapi/views.py"),
    "tests/e2e/test_real_texts.py": ("evals_backend", "mlapi"),
    "tests/e2e/test_connection.py": (
        "mlapi/authentication.py",
        "mlapi/jobs",
        "mlapi/labelstudio",
        "mlapi/management",
        "mlapi/mirror",
        "mlapi/monitoring",
    ),
    "tests/e2e/test_images.py": (
        "mlapi/images",
        "mlapi/inputs",
        "mlapi/labelstudio",
        "mlapi/media",
        "mlapi/pipelines",
        "mlapi/serving.py",
        "registry/reports",
    ),
    "tests/e2e/test_learning.py": (
        "evals_backend",
        "mlapi/labelstudio",
        "mlapi/mirror",
        "mlapi/serving.py",
        "mlapi/training",
        "mlapi/views.py",
        "registry/actions",
    ),
    "tests/e2e/test_mirror.py": (
        "mlapi/labelstudio",
        "mlapi/mirror",
        "mlapi/training",
        "registry/actions",
    ),
    "tests/e2e/test_odd_data.py": ("mlapi/labelstudio", "mlapi/mirror", "mlapi/training"),
    "tests/mlapi/images/extractors/test_quality.py": ("mlapi/images",),
    "tests/mlapi/pipelines/test_script_quality.py": ("mlapi/pipelines/text_classification",),
    "tests/evals_backend/test_behind_proxy.py": (
        "evals_backend",
        "mlapi/labelstudio",
        "mlapi/mirror",
        "registry/server.py",
    ),
    "tests/faults/test_backup.py": ("evals_backend", "registry/migrations"),
    "tests/faults/test_stopping.py": ("evals_backend", "mlapi/child_process", "mlapi/jobs"),
    "tests/faults/test_warm_parent.py": ("evals_backend", "mlapi/eva"),
    "tests/faults/test_encoder_process.py": ("evals_backend", "mlapi/texts"),
    "tests/faults/test_flat_memory.py": ("evals_backend/web", "mlapi/pipelines"),
    "tests/mlapi/child_process/test_warm_process.py": (
        "mlapi/child_process",
        "mlapi/eva",
        "mlapi/images",
        "mlapi/inputs",
        "mlapi/pipelines",
        "mlapi/run_folder",
        "mlapi/training",
    ),
    "tests/faults/test_fuzzed_requests.py": ("evals_backend", "mlapi", "registry"),
    "tests/faults/test_killed_phases.py": (
        "mlapi/child_process",
        "mlapi/jobs",
        "mlapi/training",
        "registry/actions",
    ),
    "tests/mlapi/exports/test_boxes.py": ("mlapi/exports", "mlapi/pipelines/object_detection"),
    "tests/mlapi/exports/test_mlflow.py": (
        "mlapi/exports",
        "mlapi/label_types",
        "mlapi/pipelines",
        "mlapi/standalone",
        "mlapi/texts",
    ),
    "tests/faults/test_killed_steps.py": (
        "mlapi/conversion",
        "mlapi/jobs",
        "mlapi/mirror",
        "mlapi/notifications",
        "mlapi/training",
        "registry/actions",
    ),
    "tests/faults/test_run_folder.py": (
        "mlapi/child_process",
        "mlapi/eva",
        "mlapi/run_folder",
        "mlapi/training",
    ),
    "tests/faults/test_large_bodies.py": (
        "evals_backend",
        "mlapi/ingest.py",
        "mlapi/request_cycle.py",
        "mlapi/requests.py",
        "mlapi/views.py",
        "registry",
    ),
    "tests/faults/test_large_results.py": ("mlapi/mirror", "registry/actions"),
    "tests/faults/test_full_data_disk.py": ("evals_backend", "mlapi", "registry"),
    "tests/faults/test_set_clock.py": ("mlapi/jobs", "registry/actions"),
    "tests/faults/test_two_stacks.py": ("evals_backend", "mlapi/jobs", "mlapi/mirror"),
    "tests/faults/test_overload.py": ("evals_backend", "mlapi/jobs"),
    "tests/browser/test_stories.py": (
        "evals_backend",
        "registry/api",
        "registry/charts",
        "registry/reports",
        *_PAGES,
    ),
    "tests/browser/test_walk.py": (
        "evals_backend/web",
        "mlapi/exports",
        "registry/actions",
        "registry/charts",
        "registry/reports",
        "samples",
        *_PAGES,
    ),
    "tests/e2e/test_boxes.py": (
        "mlapi/label_types",
        "mlapi/labelstudio",
        "mlapi/pipelines/object_detection",
        "mlapi/serving.py",
    ),
    "tests/mlapi/images/test_decoding_memory.py": ("mlapi/images",),
    "tests/mlapi/pipelines/object_detection/test_patches.py": (
        "mlapi/pipelines/object_detection/engines",
    ),
    "tests/mlapi/test_serving.py": (
        "mlapi/eva",
        "mlapi/model_cache.py",
        "mlapi/pipelines",
        "mlapi/serving.py",
    ),
    "tests/mlapi/test_worker.py": ("mlapi/jobs", "mlapi/management", "mlapi/training"),
    "tests/mlapi/training/test_several_pipelines.py": (
        "mlapi/inputs",
        "mlapi/pipelines",
        "mlapi/training",
    ),
    "tests/mlapi/training/test_boxes_shown_by_choices.py": (
        "mlapi/evaluation",
        "mlapi/training/parts.py",
        "mlapi/pipelines/object_detection/evaluation.py",
    ),
    "tests/mlapi/pipelines/object_detection/test_yolo.py": (
        "mlapi/pipelines/object_detection/engines",
        "requirements-yolo.txt",
    ),
    "tests/mlapi/training/test_images.py": (
        "mlapi/child_process",
        "mlapi/eva",
        "mlapi/images",
        "mlapi/inputs",
        "mlapi/media",
        "mlapi/pipelines",
        "mlapi/training",
        "registry/actions",
        "registry/models",
    ),
    "tests/mlapi/training_child/test_accuracy.py": (
        "mlapi/child_process",
        "mlapi/eva",
        "mlapi/evaluation",
        "mlapi/images",
        "mlapi/inputs",
        "mlapi/pipelines",
        "mlapi/run_folder",
        "mlapi/training",
    ),
    "tests/mlapi/training_child/test_images.py": (
        "mlapi/eva",
        "mlapi/images",
        "mlapi/pipelines",
    ),
    "tests/mlapi/training_child/test_training.py": (
        "mlapi/child_process",
        "mlapi/eva",
        "mlapi/evaluation",
        "mlapi/inputs",
        "mlapi/pipelines",
        "mlapi/run_folder",
        "mlapi/training",
    ),
    "tests/registry/api/test_schema.py": ("registry",),
    "tests/registry/test_access_table.py": ("evals_backend", "mlapi/views.py", "registry"),
    "tests/registry/test_scale.py": ("benchmarks", "registry"),
    "tests/samples/test_demo.py": ("samples",),
    "tests/upgrade/test_beside_events.py": ("registry/migrations",),
    "tests/upgrade/test_pages.py": ("registry",),
}
# What changes nothing that only a nightly test would see.
UNTESTED = (".ci", "docs", "tests")
# What every test depends on.
EVERYTHING = ("requirements.txt", "requirements-dev.txt", "pyproject.toml", "tests/conftest.py")
# Without a base, the commits of so many hours before the last one are the change.
RECENT_HOURS = 6


def modules(changed: Iterable[str]) -> list[str]:
    """The test modules to run for these paths, which are relative to the repository."""
    paths = list(changed)
    if any(path in EVERYTHING for path in paths):
        return sorted(TOUCHED_BY)
    return sorted(
        module
        for module, folders in TOUCHED_BY.items()
        if any(_is_in(path, folder) for path in paths for folder in (*folders, _folder(module)))
    )


def changed_files() -> list[str]:
    """The files that changed since the commit CI_BASE, else those of the recent commits."""
    if base := os.environ.get("CI_BASE"):
        return _git("diff", "--name-only", f"{base}...HEAD")
    last = int(_git("log", "-1", "--format=%ct")[0])
    since = f"--since={last - RECENT_HOURS * 3600}"
    return sorted(set(_git("log", since, "--name-only", "--format=")))


def main() -> int:
    """Print the modules; the exit status."""
    for module in modules(changed_files()):
        print(module)
    return 0


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _folder(module: str) -> str:
    return module.rsplit("/", 1)[0]


def _git(*arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


if __name__ == "__main__":
    sys.exit(main())
