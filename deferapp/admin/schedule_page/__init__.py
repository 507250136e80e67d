"""What the pages of schedules show and do: outcomes, the calendar, planned and started, actions, forms, history."""
