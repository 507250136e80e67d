"""A server on loopback that plays Slack, and checks every message as Slack would."""

from tests.slack.server import Slack, slack

__all__ = ["Slack", "slack"]
