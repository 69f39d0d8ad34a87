"""The options of text classification."""

from mlapi.pipelines import options

OPTIONS = {
    "automl": options.automl("auto"),
    "time_budget_s": options.TIME_BUDGET_S,
    "seed": options.SEED,
}
