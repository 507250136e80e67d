"""The marketplace's tables in Django admin."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from marketplace.models import Customer, Product, Purchase, WeeklyMail


class ReadOnly(admin.ModelAdmin):
    """To look at: what happened is not changed afterwards."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        return False


class KeepsItsKey(admin.ModelAdmin):
    """Saved under another primary key, a row stays and another one is made: what takes a permission of its own."""

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        fixed = [self.opts.pk.name] if obj is not None and self.opts.pk else []
        return [*fixed, *super().get_readonly_fields(request, obj)]


@admin.register(Customer)
class CustomerAdmin(KeepsItsKey):
    list_display: ClassVar = ["household", "name", "email", "weekly_product_recommendations", "opt_in_ended_because"]
    list_filter: ClassVar = ["weekly_product_recommendations"]
    search_fields: ClassVar = ["=household", "name", "email"]
    readonly_fields: ClassVar = ["opt_in_ended_at", "opt_in_ended_because"]


@admin.register(Product)
class ProductAdmin(KeepsItsKey):
    list_display: ClassVar = ["number", "name", "category", "size", "price", "is_store_brand", "may_be_recommended"]
    list_filter: ClassVar = ["may_be_recommended", "is_store_brand", "department"]
    search_fields: ClassVar = ["=number", "name", "category"]
    show_full_result_count = False


@admin.register(Purchase)
class PurchaseAdmin(ReadOnly):
    list_display: ClassVar = ["purchased_at", "customer", "product", "quantity", "amount"]
    list_select_related: ClassVar = ["customer", "product"]
    search_fields: ClassVar = ["=customer__household"]
    search_help_text = "A household's number."
    ordering: ClassVar = ["-id"]


@admin.register(WeeklyMail)
class WeeklyMailAdmin(ReadOnly):
    list_display: ClassVar = ["week", "customer", "sent_at"]
    list_filter: ClassVar = ["week"]
    list_select_related: ClassVar = ["customer"]
    search_fields: ClassVar = ["=customer__household"]
    search_help_text = "A household's number."
