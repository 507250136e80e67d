"""What people type: a frequency, and a range of time in UTC. The parser says what is wrong with one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from deferapp.cron import parse
from deferapp.exceptions import InvalidFrequency


class FrequencyForm(forms.Form):
    frequency = forms.CharField(
        label=_("Frequency"),
        # The parser has words for what is too long.
        max_length=None,
        help_text=_("Five fields in UTC: minute, hour, day of month, month, day of week. Or a macro such as @daily."),
        widget=forms.TextInput(
            attrs={"class": "vTextField", "autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
        ),
    )
    seen = forms.CharField(widget=forms.HiddenInput, strip=False)
    """The frequency that the person saw in effect."""
    previewed = forms.CharField(widget=forms.HiddenInput, required=False)
    """The frequency of which they have seen when it comes."""

    def clean_frequency(self) -> str:
        try:
            text = parse(self.cleaned_data["frequency"]).text
        except InvalidFrequency as error:
            raise ValidationError(error.told(gettext)) from error
        if text == self.data.get("seen"):
            raise ValidationError(_("That is the frequency that it has."))
        return text


class UtcMomentField(forms.CharField):
    """A moment in UTC, as `<input type="datetime-local">` sends it."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise ValidationError(_("Write a moment in UTC as in 2026-01-31 08:00.")) from error
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class RangeForm(forms.Form):
    begins_at = UtcMomentField(label=_("From (UTC)"))
    ends_at = UtcMomentField(label=_("To (UTC)"))
    seen = forms.CharField(widget=forms.HiddenInput, strip=False)
    """The frequency that the person saw in effect."""
    previewed = forms.CharField(widget=forms.HiddenInput, required=False)
    """The range of which they have seen what it holds."""

    @property
    def range_text(self) -> str:
        """The range that was typed, as `previewed` has it."""
        return f"{self.cleaned_data['begins_at'].isoformat()}/{self.cleaned_data['ends_at'].isoformat()}"
