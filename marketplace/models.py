"""What the marketplace knows: its customers, its products, who bought what when, and who was mailed what.

Customers and products keep the numbers that they have in the data set as primary keys, so that loading needs no
translation of 1.4 million references.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone


class Customer(models.Model):
    """A household."""

    household = models.PositiveIntegerField(primary_key=True, help_text="Its number in the data set.")
    name = models.CharField(max_length=200, blank=True, help_text="How mails greet it. The data set has no names.")
    email = models.EmailField("e-mail address", unique=True)
    weekly_product_recommendations = models.BooleanField(
        default=False, db_index=True, help_text="It gets a mail with products every Monday."
    )
    opt_in_ended_at = models.DateTimeField(null=True, blank=True)
    opt_in_ended_because = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering: ClassVar = ["household"]

    def __str__(self) -> str:
        return self.name or f"Household {self.household}"

    def end_opt_in(self, because: str) -> bool:
        """Stop the weekly mails and note why; False if they had been stopped before, whose reason then stays."""
        limit = type(self)._meta.get_field("opt_in_ended_because").max_length
        changed = Customer.objects.filter(pk=self.pk, weekly_product_recommendations=True).update(
            weekly_product_recommendations=False,
            opt_in_ended_at=timezone.now(),
            opt_in_ended_because=because[:limit],
        )
        return bool(changed)


class Product(models.Model):
    """An article of the shop."""

    number = models.PositiveBigIntegerField(primary_key=True, help_text="Its number in the data set.")
    name = models.CharField(max_length=200, blank=True, help_text="Empty where the data set does not describe it.")
    category = models.CharField(max_length=100, blank=True)
    department = models.CharField(max_length=50, blank=True)
    size = models.CharField(max_length=50, blank=True, help_text="What one package holds.")
    is_store_brand = models.BooleanField("store brand", default=False)
    price = models.DecimalField(
        max_digits=8, decimal_places=2, null=True, blank=True, help_text="What was paid for one on average, in dollars."
    )
    may_be_recommended = models.BooleanField(default=True)

    class Meta:
        ordering: ClassVar = ["number"]

    def __str__(self) -> str:
        return self.name or f"Product {self.number}"


class Purchase(models.Model):
    """One line of a receipt."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="purchases", db_index=False)
    # Products are hardly ever deleted, so the index that would serve this alone is not worth its 30 MB.
    product = models.ForeignKey(Product, models.PROTECT, related_name="purchases", db_index=False)
    quantity = models.PositiveIntegerField()
    amount = models.DecimalField(max_digits=8, decimal_places=2, help_text="Paid for the line, in dollars.")
    purchased_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["customer", "product"], name="marketplace_bought")]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product_id} for household {self.customer_id}"


class WeeklyMail(models.Model):
    """A customer's mail of one week. That it is unique makes a second one impossible."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="weekly_mails")
    week = models.CharField(max_length=8, help_text="ISO week, such as 2025-W07.")
    products = models.JSONField(default=list, help_text="Numbers of the recommended products, the best first.")
    held_by = models.UUIDField(null=True, editable=False, help_text="The execution that is sending it.")
    held_at = models.DateTimeField(null=True, editable=False)
    sent_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-week", "customer"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["week", "customer"], name="marketplace_one_a_week")]

    def __str__(self) -> str:
        return f"{self.week} for household {self.customer_id}"
