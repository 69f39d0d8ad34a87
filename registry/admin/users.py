"""Users, groups and API tokens in the admin; nobody can grant permissions that they lack."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers
from rest_framework.authtoken.admin import TokenAdmin as BaseTokenAdmin
from rest_framework.authtoken.models import TokenProxy
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultiple

from registry.actions import tokens

admin.site.unregister(User)
admin.site.unregister(Group)
admin.site.unregister(TokenProxy)


class _Checkboxes:
    """Checkboxes for many-to-many fields: Django's pair of lists has unnamed controls."""

    filter_horizontal = ()

    def formfield_for_manytomany(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        kwargs["widget"] = UnfoldAdminCheckboxSelectMultiple
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]


@admin.register(User)
class UserAdmin(_Checkboxes, BaseUserAdmin, ModelAdmin):  # type: ignore[misc]
    """Users. Only superusers set superusers and permissions outside groups.

    Nobody changes or deletes a user who may do more than they may.
    """

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if _is_super(request) else (*fields, "is_superuser", "user_permissions")

    def get_form(self, request: HttpRequest, obj: User | None = None, **kwargs: Any) -> Any:
        """Offers the groups whose permissions the editor holds."""
        form = super().get_form(request, obj, **kwargs)
        groups: Any = form.base_fields.get("groups")
        if groups is not None and not _is_super(request):
            groups.queryset = groups.queryset.exclude(permissions__in=_not_held(request))
        return form

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _within_reach(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _within_reach(request, obj)


def _is_super(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def _held(request: HttpRequest) -> QuerySet:
    """The ids of the permissions that the requesting user has."""
    name = Concat("content_type__app_label", Value("."), "codename")
    held = Permission.objects.annotate(full_name=name).order_by()
    return held.filter(full_name__in=request.user.get_all_permissions()).values("pk")


def _not_held(request: HttpRequest) -> QuerySet:
    """The permissions that the requesting user lacks."""
    return Permission.objects.exclude(pk__in=_held(request))


def _users_within_reach(request: HttpRequest) -> QuerySet[User]:
    """The users who may do no more than the requesting user; all, for a superuser.

    A password or a token of another user is their login. What inactive users could do if they
    were active counts, because who may change them may activate them.
    """
    if _is_super(request):
        return User.objects.all()
    more = Q(pk__in=User.objects.filter(user_permissions__in=_not_held(request)).values("pk"))
    more |= Q(groups__in=Group.objects.filter(permissions__in=_not_held(request)).values("pk"))
    more |= Q(is_superuser=True)
    beyond = User.objects.filter(more).values("pk")
    return User.objects.exclude(pk__in=beyond)


def _within_reach(request: HttpRequest, user: User | None) -> bool:
    """Whether the user may do no more than the requesting one; once per request and user."""
    if user is None or _is_super(request):
        return True
    known: dict[int, bool] = vars(request).setdefault("users_within_reach", {})
    if user.pk not in known:
        known[user.pk] = _users_within_reach(request).filter(pk=user.pk).exists()
    return known[user.pk]


@admin.register(Group)
class GroupAdmin(_Checkboxes, BaseGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """A group and the permissions of its members."""

    def get_form(self, request: HttpRequest, obj: Group | None = None, **kwargs: Any) -> Any:
        """Offers the permissions that the requesting user holds, and the group's current ones."""
        form = super().get_form(request, obj, **kwargs)
        permissions: Any = form.base_fields.get("permissions")
        if permissions is not None and not _is_super(request):
            current = Q(pk__in=obj.permissions.values("pk") if obj else [])
            permissions.queryset = permissions.queryset.filter(Q(pk__in=_held(request)) | current)
        return form


@admin.register(TokenProxy)
class TokenAdmin(BaseTokenAdmin, ModelAdmin):  # type: ignore[misc]
    """Tokens for REST, shown once. Nobody views or creates one of a user who may do more."""

    list_display = ("user", "created")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).filter(user__in=_users_within_reach(request))

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "user":
            kwargs["queryset"] = _users_within_reach(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: TokenProxy, form: Any, change: bool) -> None:
        """Create the token; an existing one is of another user then."""
        if change:
            super().save_model(request, obj, form, change)
            return
        obj.__dict__["plain"] = tokens.new_token(obj.user)  # for response_add, in this request only
        obj.key = tokens.digest(vars(obj)["plain"])

    def response_add(
        self, request: HttpRequest, obj: TokenProxy, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The page that shows the token once; a redirect would require storing it."""
        context = {
            **self.admin_site.each_context(request),
            "title": "Token created",
            "opts": self.opts,
            "owner": obj.user,
            "plain": vars(obj)["plain"],
        }
        response = TemplateResponse(request, "admin/authtoken/tokenproxy/created.html", context)
        add_never_cache_headers(response)
        return response
