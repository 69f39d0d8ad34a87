"""All changes of the registry's state, for Label Studio's events, workers and people alike.

Each locks the rows that it changes and writes its audit entry in the same transaction. `operator`
has the actions of people: permission, availability, texts; their effects are the functions here.
Imports models, promotion, splits, artifacts, formatting and the doors to mlapi; reports only in
`operator`.
"""
