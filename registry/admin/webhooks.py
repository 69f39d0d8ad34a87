"""Webhooks in the admin: make, test and disable them, replace their secret; their deliveries."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from registry.actions.operator.new_webhook import NewWebhook
from registry.actions.operator.new_webhook_secret import NewWebhookSecret
from registry.engine import engine
from registry.errors import EvalsError
from registry.models import Webhook, WebhookDelivery
from registry.models.webhook import TOPIC_CHOICES, Topic

from .action_buttons import caller
from .markup import as_json
from .navigation import link, list_link
from .registry_admin import PROJECT, LongListAdmin, RegistryAdmin

_STATES = {"enabled": "success", "disabled": "danger"}
_DELIVERY_STATES = {"delivered": "success", "given up": "danger", "pending": "info"}


class NewWebhookForm(forms.ModelForm):
    """The fields of a new webhook; its URL is checked."""

    url = forms.CharField(
        max_length=2_000,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="https on the internet; other hosts where WEBHOOK_ALLOWED_HOSTS lists them. "
        "It is stored encrypted, and not shown again.",
    )
    topics = forms.MultipleChoiceField(
        choices=TOPIC_CHOICES, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    class Meta:
        model = Webhook
        fields = ["name", "url", "format", "topics", "project"]

    def clean_url(self) -> str:
        url = self.cleaned_data["url"].strip()
        try:
            engine().webhook_host(url)
        except EvalsError as error:
            raise forms.ValidationError(error.sentence) from None
        return url


@admin.register(Webhook)
class WebhookAdmin(RegistryAdmin):
    """A URL to which notifications are sent. Its secret is shown once."""

    list_display = ["name", "host", "format", "topics_text", "project", "state"]
    list_filter = [PROJECT, "format", ("disabled_at", admin.EmptyFieldListFilter)]
    list_select_related = ["project"]
    ordering = ["-id"]
    search_fields = ["name", "host"]
    fields = [
        *("name", "host", "format", "topics_text", "project", "state"),
        *("deliveries", "new_secret", "created_at", "disabled_at"),
    ]
    add_fieldsets = [(None, {"fields": ["name", "url", "format", "topics", "project"]})]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.new_secret_view)
        own = path("<path:object_id>/new_secret/", view, name="registry_webhook_new_secret")
        return [own, *super().get_urls()]

    def get_form(
        self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is None:
            kwargs["form"] = NewWebhookForm
        return super().get_form(request, obj, change, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return NewWebhook().allowed(request.user)

    def save_model(self, request: HttpRequest, obj: Webhook, form: Any, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in NewWebhookForm.Meta.fields}
        done = NewWebhook().execute(None, values, caller(request))
        obj.pk = done.row.pk
        obj.__dict__["plain_secret"] = done.secret  # for response_add, in this request only

    def response_add(
        self, request: HttpRequest, obj: Webhook, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The page that shows the secret once; a redirect would require storing it."""
        return self._secret_page(request, obj, vars(obj)["plain_secret"])

    def new_secret_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """GET answers a page with the button; POST makes another secret and shows it once."""
        webhook = self.get_object(request, unquote(object_id))
        if webhook is None:
            raise Http404
        if not NewWebhookSecret().allowed(request.user):
            raise PermissionDenied
        secret = ""
        if request.method == "POST":
            done = NewWebhookSecret().execute(webhook, {"reason": ""}, caller(request))
            secret = done.secret
        return self._secret_page(request, webhook, secret)

    def _secret_page(self, request: HttpRequest, webhook: Webhook, secret: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"Secret of {webhook.name}",
            "opts": self.opts,
            "webhook": webhook,
            "secret": secret,
        }
        response = TemplateResponse(request, "admin/registry/webhook/secret.html", context)
        add_never_cache_headers(response)
        return response

    @display(description="Topics")
    def topics_text(self, webhook: Webhook) -> str:
        return "; ".join(str(Topic(topic).label) for topic in webhook.topics)

    @display(description="State", label=_STATES)
    def state(self, webhook: Webhook) -> str:
        return "disabled" if webhook.disabled_at else "enabled"

    @display(description="Deliveries")
    def deliveries(self, webhook: Webhook) -> str:
        return list_link(WebhookDelivery, "What was sent", webhook__id__exact=webhook.pk)

    @display(description="Secret")
    def new_secret(self, webhook: Webhook) -> str:
        url = reverse("admin:registry_webhook_new_secret", args=[webhook.pk])
        return format_html(
            '<a class="text-primary-600 dark:text-primary-400" href="{}">New secret</a>', url
        )


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(LongListAdmin):
    """A delivery with its attempts."""

    list_display = ["created_at", "webhook", "topic", "project", "outcome", "attempted"]
    list_filter = [PROJECT, "webhook", "topic", "state"]
    list_select_related = ["webhook", "project"]
    sortable_by: list[str] = []
    fields = [
        *("uid", "webhook_link", "topic", "project_link", "outcome", "due_at"),
        *("attempts_json", "message_json", "created_at", "ended_at"),
    ]

    @display(description="State", label=_DELIVERY_STATES)
    def outcome(self, delivery: WebhookDelivery) -> str:
        return delivery.get_state_display().lower()

    @display(description="Webhook")
    def webhook_link(self, delivery: WebhookDelivery) -> str:
        return link(delivery.webhook)

    @display(description="Project")
    def project_link(self, delivery: WebhookDelivery) -> str:
        return link(delivery.project)

    @display(description="Attempts")
    def attempts_json(self, delivery: WebhookDelivery) -> str:
        return as_json(delivery.attempts)

    @display(description="Message")
    def message_json(self, delivery: WebhookDelivery) -> str:
        return as_json(delivery.message)
