"""The roll-up that charts are drawn from: how many attempts ended how, when they did, and how long they took."""
