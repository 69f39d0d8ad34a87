"""The buttons of the operator actions: each opens a dialog, whose POST executes the action."""

from http import HTTPStatus
from types import MethodType
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import mark_safe
from unfold.admin import ModelAdmin
from unfold.decorators import action as unfold_action
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from registry.actions.operator import Action, Caller, Via, actions_on
from registry.actions.operator.action import Button, Text
from registry.errors import EvalsError

from .navigation import page_url


def add_buttons(page: ModelAdmin) -> list[Any]:
    """Adds a method to the page for each action on its model; returns their order for unfold."""
    order: list[Any] = []
    menus: dict[str, list[str]] = {}
    for action in actions_on(page.model):
        button = action.button
        if button is None:
            continue
        name = button.path or action.path
        if hasattr(page, name):
            raise ImproperlyConfigured(f"{page} has a {name} already: give the button a path.")
        setattr(page, name, MethodType(_view(action, button, _dialog(action, page)), page))
        if not button.group:
            order.append(name)
        elif button.group in menus:
            menus[button.group].append(name)
        else:
            menus[button.group] = [name]
            order.append({"title": button.group, "items": menus[button.group]})
    return order


def caller(request: HttpRequest) -> Caller:
    """The admin's user, as the caller of an action."""
    return Caller(request.user.get_username(), Via.ADMIN)


class ActionDialog(BaseDialogForm):
    """Shows what an action will change, or why it is not available, and asks for its parameters."""

    form_before_template = "registry/dialogs/changes.html"
    action: Action
    page: ModelAdmin

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subject = self.page.get_object(self.request, unquote(str(self.object_id)))
        for parameter in self.action.form.texts:
            self.fields[parameter.name] = _field(parameter, self.subject)
        if self.subject is not None and (state := self.action.precondition(self.subject)):
            hidden = forms.HiddenInput()
            self.fields["precondition"] = forms.CharField(
                required=False, initial=state, widget=hidden
            )

    def get_before_template_context(
        self, request: HttpRequest, object_id: int | str | None = None
    ) -> dict[str, Any]:
        if self.subject is None:
            return {}
        reason = self.action.unavailable(self.subject)
        return {
            "unavailable": reason.sentence if reason else "",
            "changes": [] if reason else self.action.changes(self.subject),
            "note": self.action.warning(self.subject),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            # At a field: the dialog shows no errors of the whole form.
            for name, fault in self.action.faults(cleaned).items():
                self.add_error(name, fault)
        return cleaned


def _dialog(action: Action, page: ModelAdmin) -> type[ActionDialog]:
    return type(f"{action.form.name}Dialog", (ActionDialog,), {"action": action, "page": page})


def _field(parameter: Text, subject: Model | None) -> forms.Field:
    initial = parameter.initial(subject) if parameter.initial and subject else None
    shared: dict[str, Any] = {
        "required": not parameter.may_be_empty,
        "help_text": parameter.help,
        "initial": initial,
    }
    if parameter.choices:
        choices = [(one, one) for one in parameter.choices(subject)] if subject else []
        return forms.ChoiceField(choices=choices, widget=UnfoldAdminRadioSelectWidget(), **shared)
    return forms.CharField(max_length=parameter.max_length, widget=_widget(parameter), **shared)


def _widget(parameter: Text) -> forms.Widget:
    if parameter.is_secret:
        return UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"})
    if parameter.lines > 1:
        return UnfoldAdminTextareaWidget(attrs={"rows": parameter.lines})
    return UnfoldAdminTextInputWidget()


def _view(action: Action, button: Button, dialog: type[ActionDialog]) -> Any:
    @unfold_action(
        description=action.title,
        variant=ActionVariant(button.variant),
        icon=button.icon,
        dialog={
            "title": action.title,
            "description": action.description,
            "form_class": dialog,
            "form_submit_text": action.title,
        },
    )
    def perform(
        page: ModelAdmin, request: HttpRequest, form: ActionDialog, object_id: str
    ) -> HttpResponse:
        if form.subject is None:
            raise Http404
        try:
            done = action.execute(form.subject, form.cleaned_data, caller(request))
            messages.success(request, done.message)
        except EvalsError as error:
            messages.error(request, error.sentence)
        return _to_page(request, form.subject)

    # Not by unfold's `permissions`, whose check reads a database that may still be empty.
    def perform_if_allowed(page: ModelAdmin, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if not action.allowed(request.user):
            raise PermissionDenied
        response = perform(page, request, **kwargs)
        is_dialog = response.status_code == HTTPStatus.OK and "HX-Redirect" not in response
        if not is_dialog or request.headers.get("HX-Request"):
            return response
        return _as_page(page, request, action, response, kwargs["object_id"])

    vars(perform_if_allowed).update(vars(perform), operator_action=action)
    return perform_if_allowed


def _as_page(
    page: ModelAdmin, request: HttpRequest, action: Action, dialog: HttpResponse, object_id: str
) -> HttpResponse:
    """The dialog as a page of its own, for those who open its address."""
    context = {
        **page.admin_site.each_context(request),
        "title": action.title,
        "opts": page.opts,
        "dialog": mark_safe(dialog.content.decode()),  # noqa: S308 - a template's output
        "back": reverse(f"admin:registry_{page.opts.model_name}_change", args=[object_id]),
    }
    return TemplateResponse(request, "admin/registry/dialog_page.html", context)


def _to_page(request: HttpRequest, shown: Model) -> HttpResponse:
    """Back to the object's page; a dialog posted by htmx follows a header, not a redirect."""
    url = page_url(shown)
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": url})
    return redirect(url)
