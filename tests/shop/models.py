"""What the functions of the shop work on."""

from django.db import models


class Customer(models.Model):
    email = models.EmailField(unique=True)

    def __str__(self) -> str:
        return self.email
