"""What a label config asks of us, and what a task's annotations answer to it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mlapi import pipelines
from mlapi.domain import Match, TargetSpec
from mlapi.labelstudio import labels
from mlapi.labelstudio.label_config import InvalidLabelConfig, parse
from registry.acts.tasks import Amount
from registry.splits import input_key


@dataclass(frozen=True)
class Asked:
    """The pipeline that serves a config and the targets that it fills; or the reason for none."""

    pipeline: str
    targets: tuple[TargetSpec, ...]
    fingerprint: str
    unserved_reason: str

    def amount(
        self,
        project_uid: str,
        data: dict[str, Any],
        annotations: Iterable[Mapping[str, Any]],
        since: Mapping[str, str],
    ) -> Amount:
        """Labels, ties and input key of a task; `since` as in `labels.usable`."""
        if not self.targets:
            return {}, [], ""
        parts = pipelines.get(self.pipeline).input_key_parts(data, self.targets)
        return *labels.usable(annotations, self.targets, since), input_key(project_uid, parts)

    def since(self, before: "Asked | None", known: Mapping[str, str], now: str) -> dict[str, str]:
        """When each target joined the config, for those that were not in the one before.

        Without one before, nobody knows when its controls came, and they count as old. One
        that takes several labels where it took a single one is another control.
        """
        were = {t.name: t.kind for t in before.targets} if before else {}
        joined = {
            t.name: known.get(t.name) if were.get(t.name) == t.kind else now
            for t in self.targets
            if before
        }
        return {name: when for name, when in joined.items() if when}


def asked(label_config: str, options: Mapping[str, Any]) -> Asked:
    """What a label config asks for of a project with these options.

    One that cannot be parsed asks for nothing.
    """
    return _asked(label_config, json.dumps(options, sort_keys=True))


@lru_cache(maxsize=128)
def _asked(label_config: str, options: str) -> Asked:
    try:
        match = pipelines.match(parse(label_config), json.loads(options))
        reason = pipelines.why_not(match)
    except InvalidLabelConfig as e:
        match, reason = Match("", ()), e.message
    return Asked(match.pipeline, match.targets, pipelines.fingerprint(match), reason)
