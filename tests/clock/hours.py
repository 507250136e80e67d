"""Hours of the day for crons, from the environment: "13,14"."""

import os

HERE = os.environ["CLOCK_HOURS"]
ELSEWHERE = os.environ["CLOCK_HOURS_ELSEWHERE"]
