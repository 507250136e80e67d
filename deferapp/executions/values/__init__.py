"""Arguments and results as JSON text, and back.

Beside what JSON knows, these travel anywhere inside lists and dicts: datetime, date, time, timedelta,
Decimal, UUID, members of an Enum, and instances of models, as a reference that is loaded afresh. Everything
else is refused where it is encoded, by name. Pickle is never read or written.

What changes on the way, on purpose:

* Tuples become lists; lazy translations become str; subclasses (SafeString, defaultdict, pandas' Timestamp)
  become the plain type.
* Dicts in arguments come back with sorted keys, so that equal calls have equal text whatever order their
  dicts were built in. Results keep their order.
* NaN and infinities are refused, those of Decimal too.
* Two halves of a surrogate pair, written as two characters, come back as the one character that they mean.
  Every other str comes back as it was, also with NUL or a lone surrogate, because the text is ASCII.
"""

from deferapp.executions.values.texts import decode_call, decode_result, encode_call, encode_result

__all__ = ["decode_call", "decode_result", "encode_call", "encode_result"]
