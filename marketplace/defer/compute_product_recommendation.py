"""One customer's recommendations of the week, computed and mailed."""

from __future__ import annotations

from asgiref.sync import sync_to_async

from deferapp import current_execution, defer
from marketplace.mails import delivery, refusals
from marketplace.mails.weekly import compose
from marketplace.models import Customer, WeeklyMail
from marketplace.recommender.recommend import recommend
from marketplace.weeks import iso_week


async def compute_product_recommendation(customer: Customer) -> dict[str, str]:
    """Says what was done. The week is that of the enqueue: an attempt on another day does not begin another week."""
    execution = current_execution()
    if execution is None:
        raise RuntimeError("The week and the idempotence of the mail come from the execution; there is none here.")
    week = iso_week(execution.created_at)
    try:
        mail = await sync_to_async(delivery.hold)(customer, week, execution.id)
    except delivery.NothingToSend as reason:
        return {"week": week, "not_sent": str(reason)}
    try:
        await _send(customer, mail)
    except Exception as error:
        await sync_to_async(delivery.release)(mail)
        if refusals.is_final(error):
            await sync_to_async(customer.end_opt_in)(f"the address was refused: {error}")
        raise
    return {"week": week, "sent_to": customer.email}


async def _send(customer: Customer, mail: WeeklyMail) -> None:
    products = await sync_to_async(recommend)(customer)
    message = compose(customer, mail.week, products)
    # In a thread of its own: the one that all queries share would let one mail go out at a time.
    await sync_to_async(message.send, thread_sensitive=False)()
    await sync_to_async(delivery.note_sent)(mail, products)


compute_product_recommendation = defer(
    # Alerts name the households that could not be served, by their numbers.
    compute_product_recommendation,
    concurrency=20,
    max_duration="2m",
    alert_arguments=True,
)
