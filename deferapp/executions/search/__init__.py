"""The search box of the list of executions, and the filters of the command line: what people type, found by indexes.

    state:failed fn:mail.* meta.tenant:acme since:2h until:2026-11-01 parent:<id> error:<key> id:<id> welcome

Of `state`, `fn` and `id` there may be several, and any of each will do; everything else has to hold together. A word
without a colon is a part of a function's name, an id, or the end of a recent id. Arguments and results are not
searched: no index could answer that.
"""

from deferapp.exceptions import SearchError
from deferapp.executions.search.find import Search
from deferapp.executions.search.parse import WORDS, parse
from deferapp.executions.search.split import quoted

__all__ = ["WORDS", "Search", "SearchError", "parse", "quoted"]
