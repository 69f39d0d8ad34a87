"""Tables of the documentation: each names what the code has, no less and no more."""

import ast
import re

from django.core.management import get_commands

from mlapi.domain import InputError, NoPrediction, TrainingFailed
from mlapi.pipelines import PIPELINES
from mlapi.urls import ROUTES
from registry.api.urls import RESOURCES
from registry.error_codes import CODES, INPUT_HINTS
from registry.models.project import PromotionRule, default_policy
from registry.permissions import GROUPS
from tests.documentation.pages import PAGES, ROOT, first_cells, named, section, text_of

REFERENCE = "docs/rest-and-command-line.md"
PIPELINES_PAGE = "docs/pipelines.md"
PACKAGES = ("evals_backend", "mlapi", "registry")
# Their first argument, or the second where the first names the target, is the code.
REASONS = {error.__name__ for error in (InputError, NoPrediction, TrainingFailed)}
# Codes that are looked up rather than written where they are raised.
INDIRECT_CODES = {
    *("media_forbidden", "media_not_found", "media_no_credentials"),
    *("task_invalid", "answer_not_allowed", "control_hidden", "target_not_trained"),
    *("not_similar", "part_not_loaded"),
    *("not_enough_labels", "one_class", "not_fitted"),
    *("unexpected", "worker_ended", "worker_stopped", "no_work_folder"),
}


def test_every_route_of_label_studio_is_documented():
    cells = " ".join(first_cells(section(REFERENCE, "Label Studio's routes")))
    assert set(re.findall(r"`/(\w+)", cells)) == set(ROUTES)


def test_every_rest_resource_and_its_actions_are_documented():
    rows = dict(re.findall(r"^\| (`[^|]+`) \| (.*) \|$", section(REFERENCE, "REST"), re.MULTILINE))
    assert set(rows) == {f"`{name}/`" for name in RESOURCES}
    for name, resource in RESOURCES.items():
        for action in resource.get_extra_actions():
            assert f"`{action.url_path}/" in rows[f"`{name}/`"], (name, action.url_path)


def test_every_management_command_is_documented():
    cells = first_cells(section(REFERENCE, "Command line"))
    documented = {re.match(r"`(\w+)", cell)[1] for cell in cells}
    assert documented == {name for name, app in get_commands().items() if app in PACKAGES}


def test_every_error_code_is_documented_and_every_one_there_exists():
    documented = {
        code for code in named(section(REFERENCE, "Errors")) if re.fullmatch(r"[a-z_]+", code)
    }
    sources = "".join(path.read_text() for package in PACKAGES for path in modules(package))
    assert all(f'"{code}"' in sources for code in INDIRECT_CODES)
    assert documented == codes() | INDIRECT_CODES | set(CODES)


def test_every_reason_why_a_task_cannot_be_read_has_a_cure():
    made = (
        node
        for path in modules("mlapi")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and called(node) == InputError.__name__ and node.args
    )
    assert {code for node in made if (code := literal(node.args[0]))} <= set(INPUT_HINTS)
    assert all(INPUT_HINTS.values())


def modules(package: str):
    return (p for p in (ROOT / package).rglob("*.py") if "migrations" not in p.parts)


def codes() -> set[str]:
    """The codes of the classes of errors, and of the reasons that are made in place."""
    found = set()
    for package in PACKAGES:
        for path in modules(package):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef):
                    found |= class_code(node)
                elif isinstance(node, ast.Call) and called(node) in REASONS:
                    found |= {code for a in node.args[:2] if (code := literal(a)) is not None}
    return found


def class_code(node: ast.ClassDef) -> set[str]:
    for statement in node.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "code":
            code = literal(statement.value)
            return {code} if code else set()
    return set()


def called(node: ast.Call) -> str:
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def literal(node: ast.expr) -> str | None:
    is_code = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return node.value if is_code and re.fullmatch(r"[a-z_]+", node.value) else None


def test_every_pipeline_is_documented():
    introduction = text_of(PIPELINES_PAGE).split("\n## ")[0]
    assert named(introduction) == set(PIPELINES)


def test_every_option_is_documented():
    options = {name for pipeline in PIPELINES.values() for name in pipeline.options}
    assert named(section(PIPELINES_PAGE, "Options")) == options


def test_the_policy_and_its_defaults_are_documented():
    text = section(PIPELINES_PAGE, "When and on what it learns")
    rows = dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", text, re.MULTILINE))
    assert rows == {name: str(value).lower() for name, value in default_policy().items()}


def test_every_promotion_rule_is_documented():
    text = section(PIPELINES_PAGE, "When and on what it learns")
    assert set(PromotionRule.values) <= named(text)


def test_every_group_is_documented():
    assert named(section("docs/security.md", "Groups")) == set(GROUPS)


def test_every_target_of_make_that_a_page_names_exists():
    targets = set(re.findall(r"^([a-z][a-z-]*):", text_of("Makefile"), re.MULTILINE))
    called = re.compile(r"(?:^|`|=\S+ )make ([a-z][a-z-]*)", re.MULTILINE)
    named_by = {page.name: set(called.findall(page.read_text())) for page in PAGES}
    assert {"run", "test"} <= named_by["README.md"]
    assert {page: names - targets for page, names in named_by.items() if names - targets} == {}
