"""A version's card as Markdown, for a pull request or a wiki."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from registry.formatting import image_counts_text
from registry.metrics import title

_FEW_LABELS = 20  # a wider matrix is unreadable as a table


def card_markdown(card: dict[str, Any]) -> str:
    """The card of `registry.reports.card.card` as GitHub-flavoured Markdown; no query."""
    project = card["project"]
    parts = [
        f"# {_text(card['version'])} of {_text(project['title'] or project['uid'])}",
        _table(["", ""], _facts(card)),
        _text(card["note"]),
        "## Metrics on the holdout" if card["primary_metric"] == "macro_f1" else "## Metrics",
        _table(
            ["target", "metric", "value", "95 %", "baseline", "n", "previous champion's"],
            _metrics(card),
        ),
        "## Classes",
        _table(
            ["target", "class", "precision", "recall", "F1", "n", "previous champion's F1"],
            _classes(card),
        ),
        "## Examples of each label",
        _table(["target", "label", "tasks", "example tasks"], _labels(card)),
        *_confusions(card),
        "## Would more labels help?",
        "\n".join(f"- {_text(c['target'])}: {c['sentence']}" for c in card["learning_curves"]),
        "## Accuracy on labels made after the prediction",
        _table(["source", "target", "accuracy", "95 %", "n"], _after(card)),
        "## Mistakes, highest score first",
        _table(["task", "target", "human", "model", "score"], _mistakes(card)),
        "## Targets",
        _table(["control", "on", "kind", "pipeline", "labels", "trained"], _targets(card)),
        "## Lineage",
        _table(["", ""], _lineage(card)),
        *_statements(card),
        "## Audit entries",
        _table(["time", "action", "from", "to", "actor", "reason"], _audit_entries(card)),
    ]
    return "\n\n".join(_without_empty_sections(parts)) + "\n"


def _without_empty_sections(parts: Sequence[str]) -> list[str]:
    """The parts, without empty ones and without headings of empty sections."""
    sections: list[str] = []
    for part in reversed([part for part in parts if part]):
        if part.startswith("## ") and (not sections or sections[-1].startswith("## ")):
            continue
        sections.append(part)
    return sections[::-1]


_FACTS = {"created": "created_at", "pipeline": "pipeline", "recipe": "recipe"}


def _facts(card: dict[str, Any]) -> list[list[Any]]:
    """A card of the training alone has no state and no previous champion."""
    facts = {"project": card["project"]["uid"]}
    if "state" in card:
        facts["state"] = card["state"]
    facts |= {name: card[key] for name, key in _FACTS.items()}
    if "previous_champion" in card:
        facts["previous champion"] = card["previous_champion"] or "none"
    return [[name, value] for name, value in facts.items()]


def _metrics(card: dict[str, Any]) -> list[list[Any]]:
    return [
        [
            m["target"] or "all",
            title(m["name"], m["metric"], m["k"]),
            m["value"],
            m["interval"] and _interval(m["interval"]),
            m["baseline"],
            m["n"],
            m["previous"],
        ]
        for m in card["metrics"]
    ]


def _classes(card: dict[str, Any]) -> list[list[Any]]:
    names = ["target", "label", "precision", "recall", "f1", "n", "previous_f1"]
    return [[row[name] for name in names] for row in card["per_class"] if row["by_humans"]]


def _labels(card: dict[str, Any]) -> list[list[Any]]:
    return [
        [
            label["target"],
            label["label"],
            f"{label['n']} of the holdout, by humans" if label["by_humans"] else label["n"],
            label["tasks"],
        ]
        for label in card["labels"]
    ]


def _confusions(card: dict[str, Any]) -> list[str]:
    parts = []
    for c in card["confusion"]:
        if c["n"] and c["counts"] and len(c["labels"]) <= _FEW_LABELS:
            parts.append(f"## Confusion of {_text(c['target'])}")
            nothing = "(background)" if c["of_objects"] else "(no answer)"
            names = [label or nothing for label in c["labels"]]
            rows = [[name, *counts] for name, counts in zip(names, c["counts"], strict=True)]
            parts.append(_table(["human \\ model", *map(_text, names)], rows))
    return parts


def _after(card: dict[str, Any]) -> list[list[Any]]:
    names = {"prequential": "predicted before the human label", "shown": "pre-annotation accepted"}
    return [
        [names[source], target, s["share"], _interval(s["interval"]), s["n"]]
        for source, by_target in card["after_training"].items()
        for target, s in by_target.items()
    ]


def _mistakes(card: dict[str, Any]) -> list[list[Any]]:
    return [
        [
            _Link(str(m["task"]), m["url"]) if m["url"] else m["task"],
            m["target"],
            m["human_classes"],
            m["predicted_classes"],
            m["score"],
        ]
        for m in card["mistakes"]
    ]


def _trained(target: dict[str, Any]) -> str:
    return "yes" if target["trained"] else f"no: {target['untrained_reason']}"


def _targets(card: dict[str, Any]) -> list[list[Any]]:
    return [
        [
            t["name"],
            f"{t['object_tag']} ${t['field']}",
            t["kind"],
            t["pipeline"],
            t["labels"],
            f"yes. {t['decision']}" if t["decision"] else _trained(t),
        ]
        for t in card["targets"]
    ]


def _lineage(card: dict[str, Any]) -> list[list[Any]]:
    lineage = card["lineage"]
    rows = [
        ["artifact", lineage["artifact"]["key"]],
        ["bytes", lineage["artifact"]["bytes"]],
        ["SHA-256", lineage["artifact"]["sha256"]],
        *([["features", lineage["features"]]] if lineage["features"] else []),
        ["label config", lineage["fingerprint"]],
        *([name, version] for name, version in lineage["environment"].items()),
    ]
    run = lineage["run"]
    if run:
        rows += [
            ["run", f"{run['id']} ({run['trigger']})"],
            ["started", run["started_at"]],
            ["ended", run["ended_at"]],
            ["dataset", run["dataset_fingerprint"]],
            *([f"dataset: {name}", _count(n)] for name, n in run["dataset_counts"].items()),
        ]
    return rows


def _count(value: Any) -> Any:
    """A count; those of images, of tasks that cannot be read and of a reading as text."""
    if isinstance(value, list):
        return ", ".join(f"{one['tasks']} {one['code']}" for one in value)
    if isinstance(value, dict) and "of" in value:
        return f"{value['read']} of {value['of']} tasks"
    return image_counts_text(value) if isinstance(value, dict) and "images" in value else value


def _statements(card: dict[str, Any]) -> list[str]:
    run = card["lineage"]["run"]
    if not run or not run["statements"]:
        return []
    text = json.dumps(run["statements"], indent=1, ensure_ascii=False)
    fence = "`" * max(3, _longest_run_of_backticks(text) + 1)
    return ["## EvaDB statements as executed", f"{fence}json\n{text}\n{fence}"]


def _audit_entries(card: dict[str, Any]) -> list[list[Any]]:
    return [
        [a["at"], a["verb"], a["from"], a["to"], a["actor"], a["reason"]]
        for a in card["audit_entries"]
    ]


class _Link(tuple):
    """A link: text and address."""

    def __new__(cls, text: str, url: str) -> "_Link":
        return super().__new__(cls, (text, url))


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [f"| {' | '.join(_cell(value) for value in row)} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *lines])


def _cell(value: Any) -> str:
    match value:
        case None:
            return "–"
        case _Link():
            return f"[{_text(value[0])}]({value[1].replace(' ', '%20').replace(')', '%29')})"
        case float():
            return f"{value:.3f}"
        case list() | tuple():
            return _text(", ".join(map(str, value))) or "(none)"
        case dict():
            return _text(json.dumps(value, ensure_ascii=False))
    return _text(str(value))


def _text(text: str) -> str:
    """A value as escaped Markdown on one line."""
    line = " ".join(text.split())
    for character in "\\`*_[]<>|#":
        line = line.replace(character, f"\\{character}")
    return line


def _interval(interval: list[float] | None) -> str:
    return f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else "too few to tell"


def _longest_run_of_backticks(text: str) -> int:
    longest = run = 0
    for character in text:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    return longest
