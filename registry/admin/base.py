"""What every page of the registry's admin shares: read-only, nothing deletable, acts by dialog."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from registry.errors import EvalsError
from registry.permissions import allowed
from registry.possible import possible

from .change_lists import PrefetchedList

_SHOWN_CHARACTERS = 100_000


class RegistryAdmin(ModelAdmin):
    """A read-only page. What can be done is done by acts, by those who are allowed them."""

    list_per_page = 50
    list_filter_submit = True
    show_full_result_count = False
    warn_unsaved_form = True

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[PrefetchedList]:
        return PrefetchedList

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """Read once for a page that is only looked at: page, buttons and form ask for it each."""
        if request.method != "GET":
            return super().get_object(request, object_id, from_field)
        known = vars(request).setdefault("rows_read", {})
        if object_id not in known:
            known[object_id] = super().get_object(request, object_id, from_field)
        return known[object_id]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        """The acts that the user is allowed, and that the object's state has room for.

        A list has no buttons for acts on its rows: unfold shows the same ones beside each.
        """
        acts = [
            a
            for a in super().get_actions_detail(request, object_id)
            if allowed(request.user, a.method.act)
        ]
        shown = self.get_object(request, unquote(str(object_id))) if acts else None
        return [a for a in acts if shown is not None and possible(a.method.act, shown)]


class ReasonForm(BaseDialogForm):
    """Asks why; the answer is kept with the act."""

    reason = forms.CharField(
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        max_length=2000,
        help_text="Kept with the act, for those who come after.",
    )


class OptionalReasonForm(ReasonForm):
    """Asks why, and takes no answer for one."""

    reason = forms.CharField(
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        max_length=2000,
        required=False,
        help_text="Kept with the act.",
    )


def is_list(request: HttpRequest) -> bool:
    """Whether a list is asked for, or suggestions of a filter: they leave out what is not shown."""
    match = request.resolver_match
    return match is not None and str(match.url_name).endswith(("_changelist", "autocomplete"))


Act = Callable[[Any, HttpRequest, Any, dict[str, Any]], str]


def act(
    title: str,
    *,
    name: str,
    description: str,
    form: type[BaseDialogForm] = ReasonForm,
    variant: ActionVariant = ActionVariant.DEFAULT,
    icon: str | None = None,
) -> Callable[[Act], Any]:
    """A button that opens a dialog, and on POST does one act on the page's object.

    `name` is the act's in `registry.permissions`: those who are not allowed it are refused.

    The decorated method takes the object and the form's cleaned data and returns the
    sentence to show; an EvalsError is shown with its hint instead.
    """

    def decorate(do: Act) -> Any:
        @action(
            description=title,
            variant=variant,
            icon=icon,
            dialog={
                "title": title,
                "description": description,
                "form_class": form,
                "form_submit_text": title,
            },
        )
        @wraps(do)
        def perform(
            self: RegistryAdmin, request: HttpRequest, form: forms.Form, object_id: str
        ) -> HttpResponse:
            shown = self.get_object(request, unquote(object_id))
            if shown is None:
                raise Http404
            try:
                messages.success(request, do(self, request, shown, form.cleaned_data))
            except EvalsError as error:
                messages.error(request, f"{error.message} {error.hint}".strip())
            return _to_page(request, shown)

        # Not by unfold's `permissions`: its check of them asks a database that may be empty yet.
        @wraps(perform)
        def perform_if_allowed(
            self: RegistryAdmin, request: HttpRequest, **kwargs: Any
        ) -> HttpResponse:
            if not allowed(request.user, name):
                raise PermissionDenied
            return perform(self, request, **kwargs)

        perform_if_allowed.act = name  # type: ignore[attr-defined]
        return perform_if_allowed

    return decorate


def _to_page(request: HttpRequest, shown: Model) -> HttpResponse:
    """Back to the object's page; a dialog posted by htmx follows a header, not a redirect."""
    url = page_url(shown)
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": url})
    return redirect(url)


def page_url(shown: Model) -> str:
    """The admin's page of an object."""
    meta = shown._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[shown.pk])


def link(shown: Model | None, text: str = "") -> str:
    """A link to the object's page; a dash for none."""
    if shown is None:
        return "–"
    return format_html(
        '<a class="text-primary-600 dark:text-primary-400" href="{}">{}</a>',
        page_url(shown),
        text or str(shown),
    )


def list_link(model: type[Model], text: str, **filters: Any) -> SafeString:
    """A link to the list of a model, filtered."""
    return format_html(
        '<a class="text-primary-600 dark:text-primary-400" href="{}">{}</a>',
        list_url(model, **filters),
        text,
    )


def list_url(model: type[Model], **filters: Any) -> str:
    """The admin's list of a model, filtered."""
    meta = model._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    return f"{url}?{urlencode(filters)}" if filters else url


def as_json(value: Any) -> str:
    """A JSON value indented for reading; a very long one is cut, and says so."""
    return as_text(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False))


def as_text(text: str) -> str:
    """Text as it is, monospaced and wrapped; a very long one is cut, and says so."""
    if not text:
        return "–"
    rest = len(text) - _SHOWN_CHARACTERS
    if rest > 0:
        text = f"{text[:_SHOWN_CHARACTERS]}\n… {rest:,} more characters"
    return format_html(
        '<pre class="max-h-96 overflow-auto whitespace-pre-wrap break-words font-mono text-xs"'
        ' tabindex="0">{}</pre>',
        text,
    )
