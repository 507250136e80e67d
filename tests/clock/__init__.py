"""An app with crons, which only the tests of schedules install: elsewhere they would run in between."""
