"""The third maker's stories of partners: usage that differs, shares that vary, payouts that are blocked."""

from __future__ import annotations

from functools import partial

from evals.causes_third_stage import Desk, Row, silent, tells, waiting

_settled = partial(tells, "partner_settlement")


def _partner(desk: Desk, **details: object) -> Row:
    return {"supplier": desk.party("supplier"), "amount": desk.eur(400, 80_000), "details": details}


def _usage(desk: Desk, **more: object) -> Row:
    ours = desk.rng.randint(20_000, 400_000)
    return _partner(desk, our_units=ours, partner_units=ours + desk.rng.randint(900, 5_000), **more)


def _gap(row: Row) -> int:
    return int(row["details"]["partner_units"] - row["details"]["our_units"])


@_settled("usage_mismatch", "integration_failure", "Three of the month's daily usage files never reached us.")
def usage_files_late(desk: Desk) -> Row:
    return _usage(desk, feed_status=desk.one("gap", "late", "failed"), files_expected=31, files_received=28)


@_settled(
    "usage_mismatch", "counterparty", "The partner counts repeated records; without them both counts are the same."
)
def partner_counts_twice(desk: Desk) -> Row:
    row = _usage(desk, feed_status="ok", files_expected=31, files_received=31)
    row["details"]["duplicates_in_partner_file"] = _gap(row)
    return row


@_settled(
    "usage_mismatch", "data_quality", "All files came; a new product is not in our rating table and was left out."
)
def product_not_mapped(desk: Desk) -> Row:
    row = _usage(
        desk, feed_status="ok", product_in_our_rating_table=False, rating_table_last_changed=desk.day(-300, -200)
    )
    row["details"]["unrated_units"] = _gap(row)
    return row


@_settled(
    "usage_mismatch", "unknown", "Feeds are whole, no record repeats, nothing is unrated, and still the counts differ."
)
def counts_differ_unexplained(desk: Desk) -> Row:
    return _usage(
        desk, feed_status="ok", files_expected=31, files_received=31, duplicates_in_partner_file=0, unrated_units=0
    )


def _share(desk: Desk, contract: str, applied: str, **more: object) -> Row:
    return _partner(
        desk, contract_share_percent=contract, applied_share_percent=applied, period="2026-10", **more
    )  # fmt: skip


@_settled(
    "share_variance", "data_quality", "The partner crossed a tier of its contract; our table holds only the first."
)
def tier_not_maintained(desk: Desk) -> Row:
    units = desk.rng.randint(101_000, 140_000)
    return _share(
        desk, "32.5", "30.0", units=units, tier_from_units=100_000, tiers_in_contract=2, tiers_in_system=1,
        contract_sync_status="ok",
    )  # fmt: skip


@_settled("share_variance", "policy_exception", "A regional head granted more by side letter than he may grant.")
def regional_head_granted_more(desk: Desk) -> Row:
    return _share(
        desk, "35.0", "40.0", side_letter=desk.id("SL-"), side_letter_signed_by="regional head",
        side_letter_within_authority=False, contract_sync_status="ok",
    )  # fmt: skip


@_settled("share_variance", "integration_failure", "The new share stands in the contract system; its transfer fails.")
def share_not_transferred(desk: Desk) -> Row:
    return _share(
        desk, "45.0", "42.5", contract_sync_status=desk.broken(), contract_sync_last_success=desk.day(-90, -70),
        contract_changed_on=desk.day(-60, -50),
    )  # fmt: skip


@_settled("share_variance", "counterparty", "We applied the contract's share; the partner's own statement claims more.")
def partner_claims_more(desk: Desk) -> Row:
    return _share(
        desk, "30.0", "30.0", partner_claimed_share_percent="33.0", amendment=None, contract_sync_status="ok",
    )  # fmt: skip


def _payout(desk: Desk, reason: str, agreed: bool = True, **more: object) -> Row:
    return _partner(
        desk, blocked_days=desk.rng.randint(8, 60), block_reason=reason, statement_agreed=agreed, **more
    )  # fmt: skip


@_settled("payout_blocked", "counterparty", "The partner has not sent the tax form without which nobody may be paid.")
def tax_form_not_sent(desk: Desk) -> Row:
    return _payout(
        desk, desk.one("tax form missing", "Freistellungsbescheinigung fehlt", "W-8BEN-E missing"),
        requested_on=desk.day(-50, -40), reminders_sent=2, received_on=None,
    )  # fmt: skip


@_settled("payout_blocked", "approval_bottleneck", "All is agreed; the release has lain with the treasurer for weeks.")
def treasurer_has_not_released(desk: Desk) -> Row:
    return _payout(desk, desk.one("waiting for release", "Freigabe ausstehend"), **waiting(desk))


@_settled(
    "payout_blocked",
    "supplier_master_mismatch",
    "The bank's check of the payee fails since the partner was renamed, and our master has the old name.",
)
def payee_renamed(desk: Desk) -> Row:
    row = _payout(desk, "verification of payee: no match", renaming_notified_on=desk.day(-90, -70))
    row["details"].update(name_in_master=row["supplier"].name, name_at_bank=desk.party("supplier").name)
    return row


@_settled("payout_blocked", "integration_failure", "The bank rejected our payment file because its schema is outdated.")
def payment_file_rejected(desk: Desk) -> Row:
    return _payout(
        desk, "technical", payment_file_status="rejected", bank_message="pain.002 RJCT FF01 invalid file format"
    )


@_settled("payout_blocked", "policy_exception", "The sum is below the least that the house pays out.")
def below_least_payout(desk: Desk) -> Row:
    row = _payout(desk, desk.one("below minimum", "unter Mindestbetrag"), minimum_payout="50.00")
    return {**row, "amount": desk.eur(5, 45)}


@_settled(
    "approval_stalled", "approval_bottleneck", "The settlement lies with an approver who is ill; no deputy is named."
)
def settlement_waits(desk: Desk) -> Row:
    return _partner(desk, **waiting(desk), absent_until=desk.day(6, 30), absence="ill", deputy=None)


@_settled("case_abandoned", "approval_bottleneck", "The payout proposal waits for two signatures; the case lies still.")
def payout_proposal_lies(desk: Desk) -> Row:
    return _partner(desk, **silent(desk, "awaiting_review", open_seats=2))


STORIES = (
    usage_files_late, partner_counts_twice, product_not_mapped, counts_differ_unexplained, tier_not_maintained,
    regional_head_granted_more, share_not_transferred, partner_claims_more, tax_form_not_sent,
    treasurer_has_not_released, payee_renamed, payment_file_rejected, below_least_payout, settlement_waits,
    payout_proposal_lies,
)  # fmt: skip
