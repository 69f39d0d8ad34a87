"""Whether the operator has accepted what ultralytics' licence asks of a network service."""

from mlapi import operator_settings

SETTING = "ACCEPT_AGPL"
REFUSAL = (
    "ultralytics is under the AGPL-3.0: whoever serves its predictions over a network must offer "
    "the complete source of the serving program, under that licence, to all who use it. Set "
    f"{SETTING}=true if you do."
)


def is_accepted() -> bool:
    return operator_settings.of(SETTING) == "True"
